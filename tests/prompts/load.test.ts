import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renderPrompt } from "../../src/core/prompt.js";
import { parsePrompt, readPromptFile } from "../../src/prompts/load.js";
import { requireVariables } from "../../src/prompts/rules.js";
import { file, temporary, usageError, write } from "./support.js";

const head = "name: mine\nversion: 1\nvariables: [task]";
const problem = (body: string, stage = "critique") =>
  usageError(() => parsePrompt(stage, "prompts/x.md", body)).message;

describe("a prompt file", () => {
  it("is front matter and the user message", () => {
    const prompt = parsePrompt(
      "student",
      "x.md",
      file(`${head}\nsystem: Be short.`, "\n{{task}}\n"),
    );
    expect(prompt).toMatchObject({
      stage: "student",
      name: "mine",
      version: "1",
      variables: ["task"],
      system: "Be short.",
      user: "{{task}}",
    });
  });

  it("may have no system message, Windows line ends and rules in its text", () => {
    const body = file(head, "{{task}}\n---\nmore").replaceAll("\n", "\r\n");
    const prompt = parsePrompt("student", "x.md", body);
    expect(prompt.system).toBeNull();
    expect(prompt.user).toContain("more");
  });

  it("has a hash that any change of the file changes", () => {
    const hash = (body: string) => parsePrompt("student", "x.md", body).hash;
    expect(hash(file(head))).toBe(hash(file(head)));
    expect(hash(file(head))).not.toBe(hash(file(head, "{{task}} ")));
    expect(hash(file(head))).not.toBe(hash(file(`${head}\nsource: a paper`)));
  });

  it("says where and what is wrong with it, and what it needs", () => {
    const error = usageError(() => parsePrompt("student", "prompts/x.md", "{{task}}"));
    expect(error.message).toBe(
      "prompts/x.md: it does not begin with front matter between two `---` lines",
    );
    expect(error.hint).toContain("name, version and variables");
  });

  it.each([
    ["no second line of dashes", `---\n${head}\n{{task}}`, "between two `---` lines"],
    ["text before the front matter", ` \n${file(head)}`, "does not begin with front matter"],
    ["no YAML", file("name: [", ""), "its front matter is not YAML"],
    ["a missing key", file("version: 1\nvariables: [task]"), "front matter name"],
    ["a value of a wrong kind", file("name: a\nversion: 1\nvariables: task"), "variables"],
    ["an unknown key", file(`${head}\nsytem: Be short.`), "sytem"],
    ["a variable not declared", file(head, "{{task}} {{answer}}"), "uses {{answer}} without"],
    ["one in the system message", file(`${head}\nsystem: "{{finding}}"`), "uses {{finding}}"],
    ["a variable not used", file(head, "no variable"), "declares task and does not use it"],
    ["a name that is no word", file(head, "{{task}} {{the_answer 2}}"), "{{the_answer 2}}"],
    ["no name at all", file(head, "{{task}} {{ }}"), "uses {{}} without"],
    ["another case", file(head, "{{task}} {{Task}}"), "uses {{Task}} without"],
  ])("is refused with %s", (_what, body, message) => {
    expect(problem(body)).toContain(message);
  });

  it("names all undeclared and all unused variables at once", () => {
    expect(problem(file("name: a\nversion: 1\nvariables: []", "{{b}} {{c}}"))).toContain(
      "{{b}}, {{c}}",
    );
    expect(problem(file("name: a\nversion: 1\nvariables: [b, c]", "text"))).toContain("b, c");
  });

  it("may say what it was made from and what its answer is, a critique alone other than text", () => {
    const fields = "output: {verdict: {enum: [right, wrong]}}";
    const prompt = (extra: string, stage = "critique", user?: string) =>
      parsePrompt(stage, "prompts/x.md", file(`${head}\n${extra}`, user));
    expect(prompt("")).toMatchObject({ parent: null, source: null, output: "text" });
    expect(prompt(`parent: other\n${fields}`)).toMatchObject({
      parent: "other",
      output: { verdict: { enum: ["right", "wrong"] } },
    });
    const refused = (...of: Parameters<typeof prompt>) => usageError(() => prompt(...of)).message;
    expect(refused(fields, "refine")).toContain("output is read of critiques only");
    expect(refused("output: yaml")).toContain("front matter output: give text, none, or fields");
    expect(refused("output: none")).toContain("its text would never be read");
    expect(refused("parent: Other One")).toContain("front matter parent");
  });

  it("must name {{task}} for a student, not for others", () => {
    const body = file("name: a\nversion: 1\nvariables: []", "Do it.");
    expect(problem(body, "student")).toContain("must name {{task}}");
    expect(parsePrompt("critique", "x.md", body).user).toBe("Do it.");
  });

  it("is filled in with or without spaces, everywhere", () => {
    const body = file(`${head}\nsystem: "On {{task}}"`, "{{ task }} and {{task}}");
    const prompt = parsePrompt("student", "x.md", body);
    expect(renderPrompt(prompt, { task: "$& {{task}}" })).toEqual([
      { role: "system", content: "On $& {{task}}" },
      { role: "user", content: "$& {{task}} and $& {{task}}" },
    ]);
  });
});

describe("finding a prompt", () => {
  const [workspace, packaged] = [temporary(), temporary()];
  write(packaged, "student/answer.md", "packaged");
  write(packaged, "student/order-line.md", "packaged line");
  write(packaged, "student/notes.txt", "no prompt");
  const own = write(workspace, "student/answer.md", "my own");
  const find = (name: string, stage = "student") =>
    readPromptFile([workspace, packaged], stage, name);

  it("takes the workspace's own before the packaged one", () => {
    expect(find("answer")).toEqual({ path: own, body: "my own" });
    expect(find("order-line").body).toBe("packaged line");
  });

  it("suggests the nearest name and lists those that there are, each once", () => {
    const error = usageError(() => find("order-lime"));
    expect(error.message).toBe("no prompt prompts/student/order-lime.md");
    expect(error.hint).toBe("Did you mean order-line? Known student prompts: answer, order-line.");
    expect(usageError(() => find("something-else")).hint).not.toContain("Did you mean");
  });

  it("says so when a stage has no prompts", () => {
    expect(usageError(() => find("answer", "refine")).hint).toContain("refine prompts: none.");
  });

  it("refuses a file that is not text", () => {
    write(workspace, "student/latin.md", Uint8Array.of(0x61, 0x0a, 0xe9, 0x0a));
    expect(usageError(() => find("latin")).message).toContain("line 2: not UTF-8");
  });
});

describe("what a prompt wants", () => {
  const wants = (text: string) => {
    const variables = [...text.matchAll(/\w+/g)].join(", ");
    return parsePrompt("refine", "x", file(`name: a\nversion: 1\nvariables: [${variables}]`, text));
  };

  it("must be there", () => {
    expect(() => requireVariables(wants("{{task}}"), ["task", "answer"])).not.toThrow();
    const { message } = usageError(() => requireVariables(wants("{{task}} {{x}} {{y}}"), ["task"]));
    expect(message).toContain("refine/a needs {{x}}, {{y}}");
  });

  it("comes with what to do about it", () => {
    const hint = (text: string) => usageError(() => requireVariables(wants(text), [])).hint;
    expect(hint("{{critique}}")).toContain("critique.prompt");
    expect(hint("{{reference}}")).toContain("teacher.hint");
    expect(hint("{{other}}")).toContain("remove {{other}}");
  });
});

describe("the packaged prompts", () => {
  const paths = readdirSync("prompts", { recursive: true, encoding: "utf8" });
  const prompts = paths.filter((path) => path.endsWith(".md"));

  it.each(prompts)("%s parses, under its file's name", (path) => {
    const [stage, name] = path.replace(/\.md$/, "").split("/") as [string, string];
    const { body } = readPromptFile(["prompts"], stage, name);
    expect(parsePrompt(stage, join("prompts", path), body).name).toBe(name);
  });

  it("are there for each stage that asks", () => {
    const stages = new Set(prompts.map((path) => path.split("/")[0]));
    const asked = ["student", "critique", "refine", "judge", "rubric", "repair"];
    expect(stages).toEqual(
      new Set([
        ...[...asked, "evolve", "distil", "memory", "solution", "feedback", "cluster"],
        ...["coach", "coach-repair", "embed"],
      ]),
    );
  });
});
