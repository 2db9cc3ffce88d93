/** A module's path and its code. */
export interface Module {
  readonly path: string;
  readonly code: string;
}

/** A name that several modules export. */
export interface SharedName {
  readonly name: string;
  readonly paths: readonly string[];
}

/**
 * Biome puts each export at the beginning of a line. A re-export is the same thing under the same name, and is ignored.
 */
const declaration =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:function\*?|const|let|class|type|interface|enum) (\w+)/gm;

/** The names that a module declares and exports. Overloads count once. */
export function exportedNames(code: string): readonly string[] {
  return [...new Set([...code.matchAll(declaration)].flatMap(([, name]) => name ?? []))];
}

/** The names that more than one of the modules exports, sorted. */
export function sharedNames(modules: readonly Module[]): readonly SharedName[] {
  const paths = new Map<string, string[]>();
  for (const { path, code } of modules) {
    for (const name of exportedNames(code)) paths.set(name, [...(paths.get(name) ?? []), path]);
  }
  return [...paths]
    .filter(([, where]) => where.length > 1)
    .map(([name, where]) => ({ name, paths: where.toSorted() }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
