import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { committedText } from "../../src/prompts/committed.js";
import {
  findPrompt,
  type PromptFile,
  parseReference,
  promptFileAt,
  promptFiles,
} from "../../src/prompts/library.js";
import { type EarlierPrompt, lintPrompts } from "../../src/prompts/lint.js";
import { parsePrompt } from "../../src/prompts/load.js";
import { derivedPrompt, newPrompt } from "../../src/prompts/scaffold.js";
import { promptStages } from "../../src/prompts/stages.js";
import { file, temporary, usageError, write } from "./support.js";

const front = (name: string, variables: string, more = "source: own") =>
  `name: ${name}\nversion: 1\nvariables: [${variables}]\n${more}`;
const good = file(front("good", "task, answer"), "{{task}} {{answer}} What is wrong?");
const promptAt = (path: string, body: string): PromptFile => {
  const [stage, name] = path.split("/") as [string, string];
  return { stage, name, path: `prompts/${path}.md`, body };
};

/** What is found in one file beside others. */
function problems(
  path: string,
  body: string,
  others: readonly PromptFile[] = [],
  earlier: readonly EarlierPrompt[] = [],
) {
  const looked = promptAt(path, body);
  return lintPrompts([looked], [looked, ...others], earlier).map(({ message }) => message);
}

describe("lint", () => {
  it("finds nothing wrong with a good prompt", () => {
    expect(problems("critique/good", good)).toEqual([]);
  });

  it.each([
    ["no front matter", "critique/good", "{{task}}", "does not begin with front matter"],
    ["an undeclared variable", "critique/good", good.replace("wrong?", "{{finding}}"), "finding"],
    ["an unused variable", "critique/good", good.replace("{{answer}}", ""), "declares answer"],
    ["another file name", "critique/other", good, "its name is good, its file's other"],
    ["no source", "critique/good", good.replace("\nsource: own", ""), "it has no source"],
    ["an unknown stage", "critiques/good", good, "no stage; did you mean critique"],
    [
      "a parent that is not there",
      "critique/good",
      good.replace("source", "parent: goof\nsource"),
      "its parent goof is no critique prompt",
    ],
    [
      "itself as parent",
      "critique/good",
      good.replace("source", "parent: good\nsource"),
      "it is its own parent",
    ],
    [
      "the reference shown to the student",
      "student/good",
      file(front("good", "task, reference"), "{{task}} It is {{reference}}."),
      "shows the student {{reference}}, which it will not have at test time",
    ],
    [
      "a variable that no recipe gives",
      "critique/good",
      file(front("good", "task, answer, revision"), "{{task}} {{answer}} {{revision}}"),
      "no recipe gives a critique prompt {{revision}}",
    ],
    [
      "a critic that sees no answer",
      "critique/good",
      file(front("good", "task"), "{{task}} Wrong?"),
      "does not show what it is to criticise",
    ],
    [
      "a judge without the mark",
      "judge/good",
      file(front("good", "task, first, second"), "{{task}} {{first}} {{second}}"),
      "does not show the judge {{mark}}",
    ],
    [
      "many words",
      "critique/good",
      good.replace("What", "Think. ".repeat(160)),
      "too long: about 288 tokens",
    ],
  ])("finds %s", (_what, path, body, message) => {
    const found = problems(path, body);
    expect(found.join("\n")).toContain(message);
    expect(found).toHaveLength(1);
  });

  it("lets student and repair prompts be without a source", () => {
    const own = file("name: good\nversion: 1\nvariables: [task]");
    expect(problems("student/good", own)).toEqual([]);
  });

  it("finds a prompt that asks the very same as another of its stage", () => {
    const twin = promptAt("critique/twin", good.replace("name: good", "name: twin"));
    const elsewhere = promptAt("refine/good", good);
    expect(problems("critique/good", good, [twin])).toEqual([
      "it asks the very same as critique/twin",
    ]);
    expect(problems("critique/good", good, [elsewhere])).toEqual([]);
  });

  it("finds a changed text under the same version, not under another or for a changed source", () => {
    const before = { stage: "critique", name: "good", body: good };
    const earlier = [
      { ...before, whence: "the packaged prompt" },
      { ...before, whence: "that of run sums-1" },
    ];
    const changed = good.replace("wrong?", "missing?");
    expect(problems("critique/good", changed, [], earlier)).toEqual([
      "it is version 1 but differs from the packaged prompt and that of run sums-1; raise its version",
    ]);
    const raised = changed.replace("version: 1", "version: 2");
    expect(problems("critique/good", raised, [], earlier)).toEqual([]);
    expect(problems("critique/good", good.replace("own", "mine"), [], earlier)).toEqual([]);
    const read = good.replace("source", "output: {verdict: {enum: [right, wrong]}}\nsource");
    expect(problems("critique/good", read, [], earlier)).toHaveLength(1);
  });

  it("reads what is committed, and does without a repository", () => {
    const root = temporary();
    const path = write(root, "prompts/critique/good.md", good);
    expect(committedText(path)).toBeNull();
    const git = (...words: string[]) =>
      execFileSync("git", ["-C", root, "-c", "user.name=t", "-c", "user.email=t@t", ...words]);
    git("init", "-q");
    expect(committedText(path)).toBeNull();
    git("add", ".");
    git("commit", "-qm", "x");
    write(root, "prompts/critique/good.md", good.replace("wrong?", "missing?"));
    expect(committedText(path)).toBe(good);
  });
});

describe("the packaged prompts", () => {
  const files = promptFiles(["prompts"]);
  const critiques = files.filter(({ stage }) => stage === "critique");

  it("have nothing wrong with them", () => {
    expect(lintPrompts(files, files, [])).toEqual([]);
  });

  it("have twelve ideas for a critique, each with its source, and two of earlier days", () => {
    const ideas =
      "adversarial checklist confidence-first contrast first-error none principles questions reference-aware rubric terse-score tests";
    const earlier = ["locate-error", "name-the-error"];
    expect(critiques.map(({ name }) => name).sort()).toEqual(
      [...ideas.split(" "), ...earlier].sort(),
    );
    const sources = critiques.map(({ path, body }) => parsePrompt("critique", path, body).source);
    for (const source of sources) expect(source).toMatch(/\b(19|20)\d\d\b/);
    expect(new Set(sources).size).toBe(critiques.length);
  });

  it("do not tell a critic that is asked for a verdict what the checker found", () => {
    for (const { path, body } of critiques) {
      const { output, variables } = parsePrompt("critique", path, body);
      if (typeof output === "string") continue;
      expect(variables, path).not.toContain("finding");
      expect(variables, path).not.toContain("reference");
      for (const name of Object.keys(output)) {
        if (Object.keys(output).length > 1) expect(body, path).toContain(`\n${name}: `);
      }
    }
  });
});

describe("naming a prompt", () => {
  it("is by stage and name, or by its file", () => {
    const root = temporary();
    const path = write(root, "critique/mine.md", good);
    expect(findPrompt([root], "critique/mine")).toMatchObject({ stage: "critique", path });
    expect(findPrompt([], path)).toMatchObject({ stage: "critique", name: "mine", body: good });
    expect(promptFileAt(path).name).toBe("mine");
  });

  it.each([
    ["critiqe/locate-error", "Did you mean critique?"],
    ["locate-error", "Give <stage>/<name>"],
    ["critique/Locate Error", "Give <stage>/<name>"],
    ["critique/../../secret", "Give <stage>/<name>"],
    ["", "stages are student, critique"],
  ])("is refused as %j", (text, hint) => {
    expect(usageError(() => parseReference(text)).hint).toContain(hint);
  });
});

describe("a new prompt", () => {
  it.each(promptStages)("of %s can be read, and lint finds nothing", (stage) => {
    const body = newPrompt(stage, "fresh");
    expect(problems(`${stage}/fresh`, body)).toEqual([]);
  });

  it("made from another says so, begins at version 1, and is else the same", () => {
    const parent = promptAt("critique/good", good.replace("version: 1", "version: 7 # counted"));
    const prompt = parsePrompt("critique", "x.md", derivedPrompt(parent, "child"));
    expect(prompt).toMatchObject({ name: "child", version: "1", parent: "good", source: "own" });
    expect(prompt.user).toBe("{{task}} {{answer}} What is wrong?");
    expect(problems("critique/child", derivedPrompt(parent, "child"), [parent])).toEqual([
      "it asks the very same as critique/good",
    ]);
  });
});
