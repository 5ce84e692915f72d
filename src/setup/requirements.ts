/** One pinned package of a lock file, with its marker and hashes. */
export interface Requirement {
  readonly name: string;
  readonly version: string;
  /** The condition after the semicolon, or "". */
  readonly marker: string;
  /** The entry as the file has it, continuation lines included. */
  readonly text: string;
}

/** The entries of a lock file as `uv pip compile --generate-hashes` writes it. */
export function parseRequirements(text: string): Requirement[] {
  const logical = text
    .split(/\r?\n/)
    .filter((line) => !/^\s*#/.test(line))
    .join("\n")
    .split(/(?<!\\)\n/);
  return logical.flatMap((entry) => {
    const match = /^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)\s*(?:;([^\\\n]*))?/.exec(entry);
    if (match === null) return [];
    const marker = (match[3] ?? "").replace(/--hash=\S+/g, "").trim();
    return [{ name: match[1]!.toLowerCase(), version: match[2]!, marker, text: entry }];
  });
}

/** Packages that serve an NVIDIA GPU only. */
export function isCudaOnly(requirement: Requirement): boolean {
  return requirement.name === "triton" || /^(nvidia|cuda)-/.test(requirement.name);
}

/** The entry without its hashes, for an index whose builds the lock does not know. */
export function withoutHashes({ name, version, marker }: Requirement): string {
  return marker === "" ? `${name}==${version}` : `${name}==${version} ; ${marker}`;
}

/**
 * The version of a package that a lock pins for a Python ("3.11"). Only conditions on the Python
 * version are looked at; the installer evaluates the whole marker.
 */
export function pinnedVersion(
  requirements: readonly Requirement[],
  name: string,
  python: string,
): string | null {
  const minor = (version: string) => Number(version.split(".")[1]);
  const found = requirements.find((requirement) => {
    if (requirement.name !== name) return false;
    const conditions = [
      ...requirement.marker.matchAll(/python_full_version\s*(<|>=|==)\s*'(3\.\d+)[.*]*'/g),
    ];
    return conditions.every(([, operator, version]) => {
      const difference = minor(python) - minor(version!);
      if (operator === "<") return difference < 0;
      return operator === ">=" ? difference >= 0 : difference === 0;
    });
  });
  return found?.version ?? null;
}

/**
 * Splits a lock into portions that pip installs one after the other: a broken line loses at most
 * one large wheel, and no two of them lie in the temporary folder at once.
 */
export function portions(
  requirements: readonly Requirement[],
): { name: string; entries: Requirement[] }[] {
  const large = new Map<string, Requirement[]>();
  const small: Requirement[] = [];
  for (const requirement of requirements) {
    if (requirement.name === "torch" || isCudaOnly(requirement)) {
      large.set(requirement.name, [...(large.get(requirement.name) ?? []), requirement]);
    } else {
      small.push(requirement);
    }
  }
  const rest = small.length > 0 ? [{ name: "Python packages", entries: small }] : [];
  return [...rest, ...[...large].map(([name, entries]) => ({ name, entries }))];
}
