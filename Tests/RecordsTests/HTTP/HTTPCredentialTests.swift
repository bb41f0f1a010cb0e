import JSONText
import Testing

@testable import jobspool_records

extension HTTPTests {
    @Suite struct CredentialTests {
        static let basic = Base64.encode(Array("ann:\(Secret.password)".utf8)[...])

        static let auths: [JSON] = [
            ["type": "bearer", "token_env": "HTTP_TESTS_TOKEN"],
            ["type": "basic", "user": "ann", "token_env": "HTTP_TESTS_PASSWORD"],
            ["type": "header", "name": "X-Api-Key", "token_env": "HTTP_TESTS_TOKEN"],
            ["type": "query", "name": "api_key", "token_env": "HTTP_TESTS_TOKEN"],
        ]

        /// Whether the request proves who asks.
        static func isKnown(_ request: TestServer.Request) -> Bool {
            request.headers["authorization"] == "Bearer \(Secret.token)"
                || request.headers["authorization"] == "Basic \(basic)"
                || request.headers["x-api-key"] == Secret.token
                || request.query["api_key"] == WebAddress.encoded(Secret.token)
        }

        /// No secret in any form in what was said, or in the target.
        static func expectNoSecret(in run: Run, _ scratch: Scratch, sourceLocation: SourceLocation = #_sourceLocation) {
            for secret in [
                Secret.token, Secret.password, WebAddress.encoded(Secret.token), WebAddress.encoded(Secret.password),
                basic,
                Base64.encode(Array(Secret.token.utf8)[...]), "t0p/s3cret", "pässwörd",
            ] {
                #expect(!run.everything.contains(secret), sourceLocation: sourceLocation)
                for line in run.lines {
                    #expect(
                        !Self.texts(line).contains { $0.contains(secret) }, "\(line.text)",
                        sourceLocation: sourceLocation)
                }
            }
        }

        /// All texts of a value, without their escapes.
        private static func texts(_ json: JSON) -> [String] {
            switch json {
            case .string(let text): [text]
            case .array(let elements): elements.flatMap(texts)
            case .object(let object): object.members.flatMap { [$0.key] + texts($0.value) }
            case .null, .bool, .number: []
            }
        }

        @Test(arguments: auths)
        func theyComeFromTheEnvironment(_ auth: JSON) async throws {
            let scratch = try Scratch()
            let server = try await TestServer { request, _ in
                Self.isKnown(request) ? .json(items(1..<3)) : .status(401)
            }
            let run = try await scratch.runHere(scratch.api("\(server.url)/items", ["auth": auth]))
            #expect(run.counts == "2 0 0 0 0", "\(run.everything)")
            Self.expectNoSecret(in: run, scratch)
            #expect(try !scratch.sh("cat target.db* | grep -caF 't0p/s3cret' || true").hasPrefix("1"))
        }

        /// A server that says everything that it was told, in every place that it has.
        @Test(arguments: auths, [400, 401, 403, 404, 429, 500, 302, 200])
        func theyAreInNoMessageAlsoWhenTheServerEchoesThem(_ auth: JSON, _ status: Int) async throws {
            let scratch = try Scratch()
            let server = try await TestServer { request, _ in
                let told = request.headers.values.joined(separator: " ") + request.target
                let body = "You said: \(told) \(JSON(told).text) \(WebAddress.encoded(told))"
                return .status(
                    status,
                    [
                        "Retry-After": Secret.token,
                        "Location": "https://other.invalid/\(WebAddress.encoded(Secret.token))",
                    ],
                    body)
            }
            let run = try await scratch.runHere(scratch.api("\(server.url)/items", ["auth": auth]))
            #expect([1, 75].contains(run.exit))
            #expect(run.failure != nil)
            // The other secret is none of this job's.
            let own = auth["token_env"] == "HTTP_TESTS_TOKEN" ? Secret.token : Secret.password
            #expect(!run.everything.contains(own))
            #expect(!run.lines.contains { Self.texts($0).contains { $0.contains(own) } }, "\(run.everything)")
            #expect(!run.lines.contains { Self.texts($0).contains { $0.contains(WebAddress.encoded(own)) } })
            #expect(
                !run.lines.contains { Self.texts($0).contains { $0.contains(Self.basic) } && own == Secret.password })
        }

        @Test(arguments: [
            (0, #"t0p/s3cret+tok"en=="#), (0, #"t0p\/s3cret+tok\"en=="#), (0, "t0p%2fs3cret%2btok%22en%3d%3d"),
            (0, "t0p%2Fs3cret%2btok%22en=="), (0, #"t0p\u002fs3cret\u002Btok\u0022en=="#),
            (0, Base64.encode(Array(Secret.token.utf8)[...])), (1, "pässwörd-4711"), (1, "p%c3%a4ssw%C3%B6rd-4711"),
            (1, #"p\u00e4ssw\u00F6rd\u002d4711"#), (1, basic), (1, basic.replacing("=", with: "%3d")),
        ])
        func theyAreRemovedInEverySpelling(_ auth: Int, _ text: String) throws {
            Secret.environment
            var fields = JSONFields(try #require(Self.auths[auth].object))
            let credentials = try HTTPAuth(&fields).credentials()
            #expect(credentials.removed(from: text) == "[secret]")
            // A combining mark makes another character of the last one.
            #expect(credentials.removed(from: "é\(text)\u{301}=\(text)é") == "é[secret]\u{301}=[secret]é")
            #expect(credentials.areIn("x\(text)"))
            let part = String(text.dropLast(2))
            #expect(credentials.removed(from: part) == part && !credentials.areIn(part))
        }

        @Test func aNextPageWithTheSecretInItsAddressIsNotKept() async throws {
            let scratch = try Scratch()
            let server = try await TestServer { request, number in
                let next =
                    #"{"next": "/items?api_key=\#(WebAddress.encoded(Secret.token))&page=\#(number + 1)", "items": "#
                return number < 4 ? .json(next + items(number * 10..<number * 10 + 10) + "}") : .status(503)
            }
            let run = try await scratch.runHere(
                scratch.api(
                    "\(server.url)/items", ["auth": Self.auths[0], "array": "items", "paging": "next"],
                    ["batch_size": 10]),
                jobID: "job-1")
            #expect(run.exit == 75, "\(run.everything)")
            #expect(try scratch.sql("SELECT COUNT(*) FROM t") == "30")
            Self.expectNoSecret(in: run, scratch)
            #expect(try scratch.sh("cat target.db* | grep -caF 's3cret' || true") == "0\n")
        }

        @Test(arguments: [301, 302, 307, 308])
        func redirectsWithinTheOriginAreFollowed(_ status: Int) async throws {
            let scratch = try Scratch()
            let server = try await TestServer { request, _ in
                guard Self.isKnown(request) else { return .status(401) }
                return request.path == "/old" ? .status(status, ["Location": "/new/items"]) : .json(items(1..<3))
            }
            let run = try await scratch.runHere(scratch.api("\(server.url)/old", ["auth": Self.auths[0]]))
            #expect(run.counts == "2 0 0 0 0", "\(run.everything)")
            #expect(server.targets == ["/old", "/new/items"])
        }

        @Test func redirectsToAnotherHostAreRefused() async throws {
            let scratch = try Scratch()
            let other = try await TestServer { _, _ in .json(items(1..<3)) }
            let elsewhere = other.otherURL
            let server = try await TestServer { _, _ in .status(302, ["Location": "\(elsewhere)/items"]) }
            let run = try await scratch.runHere(scratch.api("\(server.url)/items", ["auth": Self.auths[0]]))
            #expect(run.exit == 1)
            #expect(run.code == "REDIRECT_REFUSED")
            #expect(
                run.message.contains("\(elsewhere): give its address, or name it in `allow_origins`"), "\(run.message)")
            #expect(other.requests.isEmpty)
        }

        @Test(arguments: auths)
        func credentialsDoNotGoToAnotherHostThatIsAllowed(_ auth: JSON) async throws {
            let scratch = try Scratch()
            let other = try await TestServer { _, _ in .json(items(1..<3)) }
            let elsewhere = other.otherURL
            let server = try await TestServer { request, _ in
                Self.isKnown(request) ? .status(302, ["Location": "\(elsewhere)/items"]) : .status(401)
            }
            let source: JSONObject = [
                "auth": auth, "allow_origins": [.string(elsewhere)], "headers": ["X-Tenant": "acme"],
            ]
            let run = try await scratch.runHere(scratch.api("\(server.url)/items", source))
            #expect(run.counts == "2 0 0 0 0", "\(run.everything)")
            #expect(server.requests[0].headers["x-tenant"] == "acme")
            let sent = try #require(other.requests.first)
            #expect(!Self.isKnown(sent))
            #expect(sent.headers["x-tenant"] == nil && sent.headers["authorization"] == nil && sent.target == "/items")
        }

        @Test func aNextPageOnAnotherHostIsRefused() async throws {
            let scratch = try Scratch()
            let server = try await TestServer { _, _ in
                .json("[]", ["Link": "<http://localhost:1/items>; rel=next"])
            }
            let run = try await scratch.runHere(
                scratch.api("\(server.url)/items", ["auth": Self.auths[0], "paging": "link"]))
            #expect(run.code == "REDIRECT_REFUSED", "\(run.everything)")
            #expect(
                run.message.contains("names a next page to another origin")
                    || run.message.contains("http://localhost:1"))
        }

        @Test func redirectsForEverEnd() async throws {
            let scratch = try Scratch()
            let server = try await TestServer { _, number in .status(302, ["Location": "/\(number)"]) }
            let run = try await scratch.runHere(scratch.api(server.url))
            #expect(run.code == "TOO_MANY_REDIRECTS", "\(run.everything)")
            #expect(server.requests.count == 6)
        }

        @Test func aVariableThatIsNotSetIsAClearError() async throws {
            let scratch = try Scratch()
            let run = try await scratch.runHere(
                scratch.api("http://127.0.0.1:1/", ["auth": ["type": "bearer", "token_env": "HTTP_TESTS_NONE"]]))
            #expect(run.exit == 64)
            #expect(run.code == "CREDENTIALS_MISSING")
            #expect(run.message.contains("HTTP_TESTS_NONE, which `params.source.auth.token_env` names, is not set"))
        }

        @Test(
            arguments: [
                (["http": "http://ann:secret@127.0.0.1/"], "source.http"),
                (["http": "ftp://127.0.0.1/"], "source.http"),
                (["http": "http://127.0.0.1/", "headers": ["Authorization": "Bearer secret"]], "source.headers"),
                (["http": "http://127.0.0.1/", "headers": ["X": "a\r\nY: b"]], "source.headers"),
                (["http": "http://127.0.0.1/", "auth": ["type": "basic", "token_env": "A"]], "source.auth.user"),
                (["http": "http://127.0.0.1/", "auth": ["type": "header", "token_env": "A"]], "source.auth.name"),
                (["http": "http://127.0.0.1/", "paging": "pages"], "source.paging.style"),
                (["http": "http://127.0.0.1/", "paging": ["style": "link", "param": "x"]], "source.paging.param"),
                (["http": "http://127.0.0.1/", "pageing": "page"], "source.pageing"),
            ] as [(JSON, String)])
        func paramsThatAreWrongAreNamed(_ source: JSON, _ field: String) async throws {
            let scratch = try Scratch()
            let run = try await scratch.runHere(scratch.api("", try #require(source.object)))
            #expect(run.exit == 64, "\(run.everything)")
            #expect(run.failure?["details"]?["field"] == .string("params.\(field)"), "\(run.everything)")
            #expect(!run.everything.contains("secret"))
        }
    }
}
