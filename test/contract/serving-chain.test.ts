import { readFileSync } from "node:fs";
import type { AddressInfo, Server } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { createServer } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { servingCertificates, servingCertificatesWithin } from "../../shared/gateways/kubernetes/serving-chain.ts";
import { anchorsIn, parseBundle } from "../../shared/trust/bundle.ts";
import { signerOf } from "../../shared/trust/signer.ts";

const fixture = (name: string) => readFileSync(new URL(`../fixtures/trust/${name}`, import.meta.url), "utf8");
const root = fixture("root-e.pem");
const servers: Server[] = [];

async function listening(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.address() as AddressInfo; // a TCP server's
  return `https://127.0.0.1:${port}`;
}

afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

describe("what istiod serves", () => {
  it("is read by a handshake, also where istiod asks for a certificate: its issuer is the root of the bundle", async () => {
    const cert = fixture("leaf.pem") + fixture("intermediate.pem");
    for (const requestCert of [false, true]) {
      const options = { key: fixture("leaf.key"), cert, requestCert, rejectUnauthorized: requestCert };
      const chain = await servingCertificates.readChain(await listening(createServer(options)));
      expect(chain.map((pem) => parseBundle(pem).certificates[0].subject)).toEqual([
        "O=cluster.local, CN=istiod",
        "O=cluster.local, CN=intermediate",
      ]);
      expect(signerOf(chain, parseBundle(fixture("root-a.pem") + root))).toBe(anchorsIn(root)[0]);
      expect(signerOf(chain, parseBundle(fixture("root-a.pem")))).toBeUndefined();
      expect(signerOf(chain.slice(0, 1), parseBundle(root)), "without the intermediate").toBeUndefined();
    }
  });

  it("can't be seen where a server sends its answer byte by byte: the wait has an end", async () => {
    const closed = Promise.withResolvers<void>();
    const server = createTcpServer((socket) => {
      // The head of a long TLS record, which then comes slowly enough to keep an idle connection alive.
      socket.write(Uint8Array.of(0x16, 3, 3, 0x40, 0));
      const drip = setInterval(() => socket.write(Uint8Array.of(2)), 2);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        clearInterval(drip);
        closed.resolve();
      });
    });
    const { readChain } = servingCertificatesWithin({ deadlineMs: 20 });
    await expect(readChain(await listening(server))).rejects.toMatchObject({
      code: "control-plane-unreachable",
      detail: expect.stringContaining("no whole answer"),
    });
    await closed.promise;
  });

  it.each([
    ["nobody listens", async () => "https://127.0.0.1:1"],
    [
      "something else answers",
      async () => listening(createTcpServer((socket) => socket.end("no TLS", () => socket.destroy()))),
    ],
  ])("can't be seen where %s", async (_, at) => {
    await expect(servingCertificates.readChain(await at())).rejects.toMatchObject({
      code: "control-plane-unreachable",
    });
  });
});
