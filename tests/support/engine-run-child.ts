// A whole run on the fake engine, to be killed: `engine-run-child.ts <folder> <recipe's JSON> <plan>`.
import type { Recipe } from "../../src/core/recipe.js";
import { startFakeEngine } from "./engine-process.js";
import { scriptedRun } from "./scripted-run.js";

const [folder, recipe, path] = process.argv.slice(2) as [string, string, string];
const model = await startFakeEngine(path);
const run = await scriptedRun(folder, JSON.parse(recipe) as Recipe, { model });
await run.work();
run.store.close();
await model.dispose();
