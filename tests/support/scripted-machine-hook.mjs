// `node --import` this: the program then has the machine of scripted-machine.ts.
import { register } from "node:module";

const scripted = new URL("../compiled/scripted-machine.js", import.meta.url).href;
const loader = `export function resolve(specifier, context, next) {
  const own = /(^|\\/)machine\\.js$/.test(specifier) && context.parentURL?.includes("/dist/cli/");
  return next(own ? ${JSON.stringify(scripted)} : specifier, context);
}`;
register(`data:text/javascript,${encodeURIComponent(loader)}`);
