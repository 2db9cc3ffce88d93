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

  it("of the configuration itself must be among the allowed ones", () => {
    expect(() => ztunnel({ allowedImages: ["mirror.example.com/*"] })).toThrow(
      "ztunnel.image is none of allowedImages",
    );
  });
});
