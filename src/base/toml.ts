// TOML with the line of every key, so that an error can point at it.
import { type AST, getStaticTOMLValue, ParseError, parseTOML } from 'toml-eslint-parser';

export interface TomlDocument {
  readonly value: unknown;
  /** Line (from 1) where the key at `path` stands; of its nearest parent when it is absent; 1 when nothing is. */
  lineOf(path: readonly PropertyKey[]): number;
}

/** A syntax error with its place; lines and columns count from 1. */
export class TomlSyntaxError extends Error {
  readonly line: number;
  readonly column: number;
  constructor(message: string, line: number, column: number) {
    super(message);
    this.name = 'TomlSyntaxError';
    this.line = line;
    this.column = column;
  }
}

/** Parses TOML 1.0. Errors: TomlSyntaxError, the first one found (TOML cannot be resynchronised after one). */
export function parseToml(text: string): TomlDocument {
  let program: AST.TOMLProgram;
  try {
    program = parseTOML(text, { tomlVersion: '1.0' });
  } catch (error) {
    if (error instanceof ParseError) throw new TomlSyntaxError(error.message, error.lineNumber, error.column + 1);
    throw error;
  }
  const lines = new Map<string, number>();
  const note = (path: readonly PropertyKey[], line: number) => {
    const key = pathKey(path);
    if (!lines.has(key)) lines.set(key, line);
  };
  const walk = (node: AST.TOMLKeyValue | AST.TOMLTable, parent: readonly PropertyKey[]): void => {
    if (node.type === 'TOMLTable') {
      node.resolvedKey.forEach((_, i) => {
        note(node.resolvedKey.slice(0, i + 1), node.loc.start.line);
      });
      for (const pair of node.body) walk(pair, node.resolvedKey);
      return;
    }
    const path = [...parent, ...node.key.keys.map((key) => (key.type === 'TOMLBare' ? key.name : key.value))];
    note(path, node.loc.start.line);
    if (node.value.type === 'TOMLInlineTable') for (const pair of node.value.body) walk(pair, path);
  };
  for (const node of program.body[0].body) walk(node, []);
  return {
    value: getStaticTOMLValue(program),
    lineOf(path) {
      for (let length = path.length; length > 0; length--) {
        const line = lines.get(pathKey(path.slice(0, length)));
        if (line !== undefined) return line;
      }
      return 1;
    },
  };
}

const pathKey = (path: readonly PropertyKey[]): string => path.map(String).join('\0');
