// config.toml → the Config of each room. It reports all errors at once, each with file, line and key.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AST, getStaticTOMLValue, ParseError, parseTOML } from 'toml-eslint-parser';
import type { z } from 'zod';
import { fail, oneLine } from '../base/errors.js';
import { nearest } from '../base/suggest.js';
import { decodeText, typographyHint } from '../base/text.js';
import { ownSections, type RoomView, roomViews, sharingFaults } from './rooms.js';
import { type Config, configSchema, sections } from './schema.js';

export type { Config };

/** The configuration of each room, at least one, in the order of the file. */
export type Rooms = readonly [Config, ...Config[]];

/** The path of the configuration without `--config` and ROOMKIN_CONFIG. */
export const defaultConfigPath = '/etc/roomkin/config.toml';

/** Reads and checks `path`. Errors: CONFIG_MISSING, CONFIG_INVALID (one line per fault). */
export function loadRooms(path: string): Rooms {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const advice =
      code === 'ENOENT'
        ? 'copy config.example.toml to that path, or use --config FILE'
        : 'use sudo, or join its group (sudo usermod -aG roomkin "$USER") and log in again';
    throw fail('CONFIG_MISSING', `cannot read ${path} (${code}): ${advice}`, cause);
  }
  return parseRooms(bytes, path);
}

/** The first room of `path`. Errors: as for `loadRooms`. */
export const loadConfig = (path: string): Config => loadRooms(path)[0];

/** The first room of a configuration. Errors: as for `parseRooms`. */
export const parseConfig = (given: string | Uint8Array, path: string): Config => parseRooms(given, path)[0];

/** Checks a configuration, its text or the bytes of its file; `path` is used in error messages only. Errors: CONFIG_INVALID. */
export function parseRooms(given: string | Uint8Array, path: string): Rooms {
  const text = typeof given === 'string' ? given : decodeText(given);
  if (typeof text !== 'string') throw fail('CONFIG_INVALID', `${path}:${text.line}: ${text.fault}`);
  let document: TomlDocument;
  try {
    document = parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlSyntaxError)) throw error;
    const hint = mixedHint(text, error.line) ?? typographyHint(text.split('\n')[error.line - 1] ?? '');
    throw fail('CONFIG_INVALID', `${path}:${error.line}:${error.column}: ${hint ?? error.message}`);
  }
  const views = roomViews(document.value, Object.keys(sections.shape));
  const results = views.map(({ value }) => configSchema.safeParse(value));
  const configs = results.flatMap(({ data }) => (data === undefined ? [] : [data]));
  const faults = [
    ...views.flatMap((view, index) => [
      ...view.faults.map(({ path: at, message }) => faultAt(at, message, document)),
      ...(results[index]!.error?.issues ?? []).flatMap((issue) => describe(issue, document, view)),
    ]),
    ...(configs.length < views.length
      ? []
      : sharingFaults(configs).map(({ index, path: at, message }) =>
          faultAt(views[index]!.placeOf(at), message, document),
        )),
  ];
  const lines = new Set(
    faults.sort((a, b) => a.line - b.line).map((fault) => oneLine(`${path}:${fault.line}: ${fault.text}`)),
  );
  if (lines.size > 0) {
    throw fail('CONFIG_INVALID', `${lines.size === 1 ? '1 error' : `${lines.size} errors`}, nothing was started`, [
      ...lines,
    ]);
  }
  const [first, ...others] = configs as [Config, ...Config[]];
  return others.length === 0 ? [first] : [inFolder(first), ...others.map(inFolder)];
}

/** One of several rooms: what belongs to it alone has a folder of its own. */
function inFolder(config: Config): Config {
  const { store, room } = config;
  return { ...config, store: { ...store, roomDirectory: join(store.directory, 'rooms', room.id) } };
}

/** Where both forms of a room are in one file, the parser only says that a key is there twice. */
function mixedHint(text: string, line: number): string | null {
  const isMixed = /^\s*\[room\]/m.test(text) && /^\s*\[\[room\]\]/m.test(text);
  if (!isMixed || !/^\s*\[{1,2}room\]/.test(text.split('\n')[line - 1] ?? '')) return null;
  return 'the file has [room] and [[room]]: write [[room]] in front of each room';
}

/** The default of every key, for a room with the id `room`. */
export function shippedConfig(): Config {
  return parseConfig('[room]\nid = "room"\n', 'the shipped configuration');
}

interface Fault {
  readonly line: number;
  readonly text: string;
}

function faultAt(path: readonly PropertyKey[], message: string, document: TomlDocument): Fault {
  return { line: document.lineOf(path), text: `${nameOf(path, document)}: ${message}` };
}

/** `camera.input`; `room hall, camera.input` for the key of one of several rooms. */
function nameOf(path: readonly PropertyKey[], document: TomlDocument): string {
  const joined = (keys: readonly PropertyKey[]): string => keys.map(String).join('.').slice(0, 128);
  const [section, index, ...rest] = path;
  if (section !== 'room' || typeof index !== 'number') return joined(path);
  const id = valueAt(document.value, ['room', index, 'id']);
  const room = `room ${typeof id === 'string' && rest[0] !== 'id' ? id.slice(0, 32) : index + 1}`;
  return rest.length === 0 ? room : `${room}, ${joined(rest)}`;
}

function describe(issue: z.core.$ZodIssue, document: TomlDocument, { placeOf }: RoomView): Fault[] {
  const at = (path: readonly PropertyKey[], message: string): Fault => faultAt(placeOf(path), message, document);
  if (issue.code === 'unrecognized_keys') {
    const isOfSeveral = issue.path[0] === 'room' && issue.path.length === 1 && placeOf(issue.path).length > 1;
    const known = [...knownKeys(issue.path), ...(isOfSeveral ? ownSections : [])];
    return issue.keys.map((key) => {
      const guess = nearest(key, known);
      const advice = guess ? `did you mean ${guess}?` : `known here: ${known.join(', ')}`;
      return at([...issue.path, key], `unknown key; ${advice}`);
    });
  }
  const absent = issue.code === 'invalid_type' && valueAt(document.value, placeOf(issue.path)) === undefined;
  return [at(issue.path, absent ? 'is required' : issue.message)];
}

function knownKeys(path: readonly PropertyKey[]): string[] {
  return path.length === 0 ? Object.keys(sections.shape) : sectionKeys(...path.map(String));
}

/** The keys that a table of the file may have: `camera`, or `camera` and `options` for [camera.options]. */
export function sectionKeys(...path: readonly string[]): string[] {
  interface Wrapped {
    readonly shape?: Record<string, Wrapped | undefined>;
    readonly def: { readonly innerType?: Wrapped; readonly in?: Wrapped };
  }
  let shape = sections.shape as unknown as Wrapped['shape'];
  for (const key of path) {
    let schema = shape?.[key];
    while (schema && !schema.shape) schema = schema.def.innerType ?? schema.def.in;
    shape = schema?.shape;
  }
  return Object.keys(shape ?? {});
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value);
}

// TOML with the line of every key, for error messages.

export interface TomlDocument {
  readonly value: unknown;
  /** Line (from 1) of the key at `path`; of its nearest parent when it is absent; 1 without a parent. */
  lineOf(path: readonly PropertyKey[]): number;
}

/** A syntax error with its position; lines and columns count from 1. */
class TomlSyntaxError extends Error {
  readonly line: number;
  readonly column: number;
  constructor(message: string, line: number, column: number) {
    super(message);
    this.name = 'TomlSyntaxError';
    this.line = line;
    this.column = column;
  }
}

/** Parses TOML 1.0. Errors: TomlSyntaxError, for the first error only, since parsing cannot continue after one. */
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
