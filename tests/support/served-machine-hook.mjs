// `node --import` this: the program then has the machine of served-machine.ts, and the tests' endpoint.
import { register } from "node:module";

const machine = new URL("../compiled/served-machine.js", import.meta.url).href;
const endpoints = new URL("../compiled/served-endpoints.js", import.meta.url).href;
const loader = `export function resolve(specifier, context, next) {
  const ours = context.parentURL?.includes("/dist/cli/");
  if (ours && /(^|\\/)machine\\.js$/.test(specifier)) return next(${JSON.stringify(machine)}, context);
  if (ours && /(^|\\/)endpoints\\.js$/.test(specifier)) return next(${JSON.stringify(endpoints)}, context);
  return next(specifier, context);
}`;
register(`data:text/javascript,${encodeURIComponent(loader)}`);
