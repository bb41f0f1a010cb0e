"""An API for tests: hands out the records of DIRECTORY/NAME.json page by page, and takes PUTs into DIRECTORY/put.jsonl.

Usage: shop.py DIRECTORY, which gets a file `port` when it listens.
  GET /NAME?page=&limit=      {"data": {NAME: [...], "total": n}}    with "Authorization: Bearer nhanh-secret"
  GET /NAME?skip=&limit=      {NAME: [...], "total": n}              with "X-Api-Key: shop-secret"
  GET /admin/api/V/NAME.json  {NAME: [...]} and a Link header        with "X-Shopify-Access-Token: shopify-secret"
  PUT /admin/api/V/NAME/ID.json                                      with the same; 422 for an ID in the file `refused`
While there is a file `hold`, a GET for any page but the first waits.
"""

import http.server
import json
import os
import pathlib
import sys
import time
import urllib.parse

directory = pathlib.Path(sys.argv[1])


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *arguments):
        pass

    def answer(self, status, body, headers={}):
        text = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(text)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def is_known(self, header, secret):
        if self.headers.get(header) == secret:
            return True
        self.answer(401, {"error": f"no access with {self.headers.get(header)}"})
        return False

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = {name: values[0] for name, values in urllib.parse.parse_qs(url.query).items()}
        is_shopify, name = url.path.startswith("/admin/"), pathlib.PurePath(url.path).stem
        limit = int(query.get("limit", 100))
        start = int(query.get("skip", query.get("at", (int(query.get("page", 1)) - 1) * limit)))
        while start > 0 and (directory / "hold").exists():
            time.sleep(0.02)
        records = json.loads((directory / f"{name}.json").read_text())
        page = records[start : start + limit]
        if is_shopify:
            if self.is_known("X-Shopify-Access-Token", "shopify-secret"):
                next = f"http://{self.headers['Host']}{url.path}?limit={limit}&at={start + limit}"
                self.answer(200, {name: page}, {"Link": f'<{next}>; rel="next"'} if records[start + limit :] else {})
        elif "X-Api-Key" in self.headers:
            if self.is_known("X-Api-Key", "shop-secret"):
                self.answer(200, {name: page, "total": len(records)})
        elif self.is_known("Authorization", "Bearer nhanh-secret"):
            self.answer(200, {"data": {name: page, "total": len(records)}})

    def do_PUT(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self.is_known("X-Shopify-Access-Token", "shopify-secret"):
            return
        refused = directory / "refused"
        if refused.exists() and pathlib.PurePath(self.path).stem in refused.read_text().split():
            return self.answer(422, {"errors": "is not a valid e-mail address"})
        with open(directory / "put.jsonl", "a") as file:
            file.write(json.dumps({"path": self.path, "body": body}) + "\n")
        self.answer(200, body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop)
(directory / ".port").write_text(str(server.server_port))
os.rename(directory / ".port", directory / "port")
server.serve_forever()
