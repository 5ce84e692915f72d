import { describe, expect, it } from "vitest";
import { redact, registerSecret, withoutSecrets } from "../../src/core/secrets.js";

describe("redaction", () => {
  it("takes a registered value out in every form that it travels in", () => {
    const secret = 'p"ss/w\\rd=0123';
    registerSecret(secret);
    const forms = [
      secret,
      encodeURIComponent(secret),
      JSON.stringify({ secret }),
      Buffer.from(secret).toString("base64"),
    ];
    for (const form of forms) {
      const shown = redact(`before ${form} after`);
      expect(shown).toContain("[secret]");
      expect(shown).toMatch(/^before .* after$/);
      expect(shown).not.toContain("0123");
    }
  });

  it("takes the longer of two secrets first", () => {
    registerSecret("abcdefgh");
    registerSecret("abcdefgh-ijkl");
    expect(redact("abcdefgh-ijkl abcdefgh")).toBe("[secret] [secret]");
  });

  it("takes credentials out of addresses that nobody registered", () => {
    expect(redact('at "https://me:word@example.org/x?y" and http://t@host')).toBe(
      'at "https://[secret]@example.org/x?y" and http://[secret]@host',
    );
    expect(redact("mail to a@b, see https://example.org/@me")).toBe(
      "mail to a@b, see https://example.org/@me",
    );
  });

  it("leaves a child's environment without the variables that hold one", () => {
    registerSecret("canary-in-environment");
    expect(
      withoutSecrets({
        KEY: "canary-in-environment",
        ALSO: "x=canary-in-environment",
        PATH: "/bin",
      }),
    ).toEqual({ PATH: "/bin" });
  });
});
