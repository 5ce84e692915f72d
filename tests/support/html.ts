export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly (Element | string)[];
}

const empty = new Set(["meta", "br", "hr", "img", "input", "link"]);
const tag = /<(\/?)([a-z][a-z0-9]*)((?:\s+[a-zA-Z-]+(?:="[^"<]*")?)*)\s*(\/?)>/y;

/**
 * A strict reader for HTML that was written with care: every element is closed, every attribute is
 * quoted, and neither `<` nor `&` stands in a text for itself. Throws where it is not so.
 */
export function parseHtml(page: string): Element {
  if (!/^<!doctype html>\n/.test(page)) throw new Error("no doctype");
  const root = { name: "", attributes: {}, children: [] as (Element | string)[] };
  const open = [root];
  let position = page.indexOf("\n") + 1;
  const fail = (what: string) => {
    throw new Error(`${what} at ${position}: ${page.slice(position, position + 80)}`);
  };
  while (position < page.length) {
    const inner = open.at(-1)!;
    if (inner.name === "style") {
      const end = page.indexOf("</style>", position);
      inner.children.push(page.slice(position, end));
      position = end;
    }
    if (page[position] !== "<") {
      const end = page.indexOf("<", position);
      const text = page.slice(position, end < 0 ? page.length : end);
      inner.children.push(unescaped(text, fail));
      position += text.length;
      continue;
    }
    tag.lastIndex = position;
    const match = tag.exec(page) ?? fail("no tag");
    const [whole, closing, name, rest, selfClosing] = match as RegExpExecArray;
    if (closing) {
      if (inner.name !== name) fail(`</${name}> closes <${inner.name}>`);
      open.pop();
    } else {
      const pairs = [...rest!.matchAll(/([a-zA-Z-]+)(?:="([^"]*)")?/g)];
      const attributes = Object.fromEntries(
        pairs.map(([, key, value]) => [key!, unescaped(value ?? "", fail)]),
      );
      if (pairs.length !== Object.keys(attributes).length) fail("an attribute twice");
      const element = { name: name!, attributes, children: [] as (Element | string)[] };
      inner.children.push(element);
      if (!selfClosing && !empty.has(name!)) open.push(element);
    }
    position += whole!.length;
  }
  if (open.length !== 1) throw new Error(`<${open.at(-1)!.name}> is not closed`);
  return root;
}

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };

function unescaped(text: string, fail: (what: string) => void): string {
  return text.replace(/&([a-z0-9#]+;)?/g, (_all, entity?: string) => {
    const mark = entity && entities[entity.slice(0, -1)];
    if (!mark) fail(`an & for itself in ${text.slice(0, 40)}`);
    return mark ?? "";
  });
}

/** All elements under one, itself included, in document order. */
export function elementsOf(element: Element): Element[] {
  const inner = element.children.filter((child) => typeof child !== "string");
  return [element, ...inner.flatMap(elementsOf)];
}

/** The text of an element as it is read. */
export function textOf(element: Element): string {
  return element.children
    .map((child) => (typeof child === "string" ? child : textOf(child)))
    .join("");
}
