import JSONText
import NIOSSL
import Testing

extension HTTPTests {
    @Suite struct TLSTests {
        /// A server with a certificate that openssl(1) makes now.
        private func server(
            _ scratch: Scratch, name: String, _ answer: TestServer.Answer = .json(items(1..<3))
        ) async throws -> TestServer {
            try scratch.sh(
                """
                openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem \
                    -days 2 -subj '/CN=test' -addext 'subjectAltName=\(name)' 2>/dev/null
                """)
            let chain = try NIOSSLCertificate.fromPEMFile("\(scratch.path)/cert.pem").map(
                NIOSSLCertificateSource.certificate)
            let key = try NIOSSLPrivateKey(file: "\(scratch.path)/key.pem", format: .pem)
            let context = try NIOSSLContext(
                configuration: .makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key)))
            return try await TestServer(tls: context) { _, _ in answer }
        }

        @Test func aCertificateOfAPrivateAuthorityIsTrustedByCaFile() async throws {
            let scratch = try Scratch()
            let server = try await server(scratch, name: "IP:127.0.0.1")
            let source: JSONObject = ["ca_file": .string("\(scratch.path)/cert.pem")]
            let run = try await scratch.runHere(scratch.api(server.url, source))
            #expect(run.counts == "2 0 0 0 0", "\(run.everything)")
        }

        @Test func aCertificateThatNobodySignedIsRefused() async throws {
            let scratch = try Scratch()
            let server = try await server(scratch, name: "IP:127.0.0.1")
            let run = try await scratch.runHere(scratch.api(server.url))
            #expect(run.exit == 1)
            #expect(run.code == "TLS_FAILED", "\(run.everything)")
            #expect(run.message.contains("`ca_file`"), "\(run.message)")
            #expect(server.requests.isEmpty)
        }

        @Test func aCertificateOfAnotherHostIsRefused() async throws {
            let scratch = try Scratch()
            let server = try await server(scratch, name: "DNS:other.example")
            let source: JSONObject = ["ca_file": .string("\(scratch.path)/cert.pem")]
            let run = try await scratch.runHere(scratch.api(server.url, source))
            #expect(run.code == "TLS_FAILED", "\(run.everything)")
            #expect(run.message.contains("certificate is not for 127.0.0.1"), "\(run.message)")
            #expect(server.requests.isEmpty)
        }

        @Test func aRedirectFromHTTPSToHTTPIsRefused() async throws {
            let scratch = try Scratch()
            let plain = try await TestServer { _, _ in .json(items(1..<3)) }
            let there = plain.url
            let server = try await server(scratch, name: "IP:127.0.0.1", .status(301, ["Location": "\(there)/"]))
            let source: JSONObject = [
                "ca_file": .string("\(scratch.path)/cert.pem"), "allow_origins": [.string(there)],
            ]
            let run = try await scratch.runHere(scratch.api(server.url, source))
            #expect(run.code == "REDIRECT_REFUSED", "\(run.everything)")
            #expect(run.message.contains("from https to http"))
            #expect(plain.requests.isEmpty)
        }
    }
}
