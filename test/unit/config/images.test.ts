import { describe, expect, it } from "vitest";
import { isAllowedImage } from "../../../shared/config/images.ts";
import { config } from "../../support/services.ts";

const ztunnel = (settings: object) =>
  config({ ztunnel: { image: "r.example.com:5000/mesh/ztunnel:1.28.1", ...settings } }).ztunnel;

describe("an image", () => {
  it.each([
    "r.example.com:5000/mesh/ztunnel",
    "r.example.com:5000/mesh/ztunnel:1.29.0",
    `r.example.com:5000/mesh/ztunnel@sha256:${"a".repeat(64)}`,
  ])("of the fleet's repository is allowed: %s", (image) => {
    expect(isAllowedImage(image, ztunnel({}))).toBe(true);
  });

  it.each([
    "r.example.com:5000/mesh/ztunnel-evil:1",
    "r.example.com:5000/mesh/ztunnel/evil:1",
    "evil.example.com/mesh/ztunnel:1.28.1",
    "ztunnel:1",
  ])("of another repository is not allowed: %s", (image) => {
    expect(isAllowedImage(image, ztunnel({}))).toBe(false);
  });

  it("is allowed only by allowedImages if the configuration has them", () => {
    const allowedImages = ["r.example.com:5000/mesh/ztunnel:1.28.*", "mirror.example.com/*"];
    expect(isAllowedImage("mirror.example.com/ztunnel:1", ztunnel({ allowedImages }))).toBe(true);
    expect(isAllowedImage("r.example.com:5000/mesh/ztunnel:1.29.0", ztunnel({ allowedImages }))).toBe(false);
  });

  const any = (pattern: string) => ({ image: "example.com/own:1", allowedImages: [pattern] });
  const digest = `sha256:${"a".repeat(64)}`;

  it.each([
    ["*.dkr.ecr.*.amazonaws.com/ztunnel:*", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/ztunnel:1.28.2"],
    ["example.com/mesh/*", "example.com/mesh/ztunnel:1"],
    ["example.com/*", "example.com/mesh/ztunnel:1"],
    ["example.com/*/ztunnel", "example.com/mesh/ztunnel"],
    ["example.com/mesh/ztunnel*", "example.com/mesh/ztunnel-debug:1"],
    ["example.com/mesh/ztunnel", `example.com/mesh/ztunnel:1@${digest}`],
    ["example.com/mesh/ztunnel:1.28.*", "example.com/mesh/ztunnel:1.28.2"],
    ["example.com/mesh/ztunnel:*", `example.com/mesh/ztunnel:1@${digest}`],
    ["example.com/mesh/ztunnel@*", `example.com/mesh/ztunnel@${digest}`],
    ["example.com/mesh/ztunnel@*", `example.com/mesh/ztunnel:1@${digest}`],
    [`example.com/mesh/ztunnel@${digest}`, `example.com/mesh/ztunnel@${digest}`],
    ["localhost:5000/ztunnel:*", "localhost:5000/ztunnel:1"],
    ["*.example.com:5000/ztunnel", "mirror.example.com:5000/ztunnel:1"],
    ["ztunnel:1.*", "ztunnel:1.28"],
    ["istio/*", "istio/ztunnel:1"],
  ])("that matches %s part by part is allowed: %s", (pattern, image) => {
    expect(isAllowedImage(image, any(pattern))).toBe(true);
  });

  it.each([
    ["*.dkr.ecr.*.amazonaws.com/ztunnel:*", "evil.com/x.dkr.ecr.y.amazonaws.com/ztunnel:1"],
    ["123456789012.dkr.ecr.*.amazonaws.com/ztunnel*", "123456789012.dkr.ecr.evil.com/a.amazonaws.com/ztunnel:1"],
    ["123456789012.dkr.ecr.*.amazonaws.com/ztunnel*", "123456789012.dkr.ecr.x.evil.amazonaws.com/ztunnel:1"],
    ["*.example.com/ztunnel", "evil.com:443/x.example.com/ztunnel:1"],
    ["example.com*", "example.com.evil.net/x:1"],
    ["example.com*/ztunnel", "example.com.evil.net/ztunnel:1"],
    ["example.com*/ztunnel", "example.com:5000/ztunnel:1"],
    ["example.com/mesh/ztunnel*", "example.com/mesh/ztunnel-evil/x:1"],
    ["example.com/*/ztunnel", "example.com/a/b/ztunnel:1"],
    ["example.com/mesh/ztunnel:1.28.*", `example.com/mesh/ztunnel:1.28.2@${digest}`],
    ["example.com/mesh/ztunnel:1.28.*", "example.com/mesh/ztunnel"],
    ["example.com/mesh/ztunnel:*", `example.com/mesh/ztunnel@${digest}`],
    ["example.com/mesh/ztunnel@*", "example.com/mesh/ztunnel:1"],
    ["*/ztunnel", "evil.com/ztunnel:1"],
    ["*", "evil.com/ztunnel:1"],
    ["ztunnel:*", "ztunnel:5000/evil"],
    ["ztunnel*", "ztunnel.evil.com/x:1"],
    ["localhost:*", "localhost:5000/evil"],
  ])("that matches %s only across its parts is not allowed: %s", (pattern, image) => {
    expect(isAllowedImage(image, any(pattern))).toBe(false);
  });

  it.each([
    ["ztunnel:1.28", "ztunnel:5000/evil"],
    ["ztunnel:1.28", `ztunnel:5000/evil@${digest}`],
    ["localhost:5000", "localhost:5000/evil"],
  ])("of a registry that is called like the fleet's image %s is not allowed: %s", (image, other) => {
    expect(isAllowedImage(other, { image })).toBe(false);
  });

  it.each(["", "https://example.com/x", "example.com/x y", "example.com//x", "/x", "example.com/x:1:2"])(
    "can't be allowed by %j, which no image could match",
    (pattern) => {
      expect(() => ztunnel({ allowedImages: ["r.example.com:5000/mesh/*", pattern] })).toThrow("allowedImages[1]");
    },
  );

  it("of the configuration itself must be among the allowed ones", () => {
    expect(() => ztunnel({ allowedImages: ["mirror.example.com/*"] })).toThrow(
      "ztunnel.image is none of allowedImages",
    );
  });
});
