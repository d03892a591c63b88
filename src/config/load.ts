// config.toml → Config. All errors at once, each with file, line and key; the only place where seconds become milliseconds.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AST, getStaticTOMLValue, ParseError, parseTOML } from 'toml-eslint-parser';
import type { z } from 'zod';
import { fail, oneLine } from '../base/errors.js';
import { nearest } from '../base/suggest.js';
import { type ConfigFile, configSchema } from './schema.js';

/** The configuration as the parts take it. Durations in milliseconds; absent values are null. */
export type Config = ReturnType<typeof convert>;

/** Where the configuration is looked for when neither `--config` nor ROOMKIN_CONFIG says. */
export const defaultConfigPath = '/etc/roomkin/config.toml';

/** Reads and checks `path`. Errors: CONFIG_MISSING, CONFIG_INVALID (one line per fault). */
export function loadConfig(path: string): Config {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const advice =
      code === 'ENOENT' ? 'copy config.example.toml there, or name another with --config FILE' : 'make it readable';
    throw fail('CONFIG_MISSING', `cannot read ${path} (${code}): ${advice}`, cause);
  }
  return parseConfig(text, path);
}

/** Checks the text of a configuration; `path` is only named in errors. */
export function parseConfig(text: string, path: string): Config {
  let document: TomlDocument;
  try {
    document = parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlSyntaxError)) throw error;
    throw fail('CONFIG_INVALID', `${path}:${error.line}:${error.column}: ${error.message}`);
  }
  const result = configSchema.safeParse(document.value);
  if (!result.success) {
    const faults = result.error.issues.flatMap((issue) => describe(issue, document));
    const lines = faults
      .sort((a, b) => a.line - b.line)
      .map((fault) => oneLine(`${path}:${fault.line}: ${fault.text}`));
    throw fail(
      'CONFIG_INVALID',
      `${lines.length === 1 ? '1 error' : `${lines.length} errors`}, nothing was started`,
      lines,
    );
  }
  return convert(result.data);
}

/** Every key as shipped, for a room without a name. */
export function shippedConfig(): Config {
  return parseConfig('[room]\nid = "room"\n', 'the shipped configuration');
}

interface Fault {
  readonly line: number;
  readonly text: string;
}

function describe(issue: z.core.$ZodIssue, document: TomlDocument): Fault[] {
  const at = (path: readonly PropertyKey[], message: string): Fault => ({
    line: document.lineOf(path),
    text: `${path.map(String).join('.').slice(0, 128)}: ${message}`,
  });
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(issue.path);
    return issue.keys.map((key) => {
      const guess = nearest(key, known);
      const advice = guess ? `did you mean ${guess}?` : `known here: ${known.join(', ')}`;
      return at([...issue.path, key], `unknown key; ${advice}`);
    });
  }
  const absent = issue.code === 'invalid_type' && valueAt(document.value, issue.path) === undefined;
  return [at(issue.path, absent ? 'is required' : issue.message)];
}

function knownKeys(path: readonly PropertyKey[]): string[] {
  const sections = configSchema.shape as Record<string, z.core.$ZodType>;
  if (path.length === 0) return Object.keys(sections);
  let schema = sections[String(path[0])] as unknown as { shape?: object; def: { innerType?: unknown } } | undefined;
  while (schema && !schema.shape) schema = schema.def.innerType as typeof schema;
  return Object.keys(schema?.shape ?? {});
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value);
}

const ms = (seconds: number): number => seconds * 1000;

function convert(file: ConfigFile) {
  const {
    room,
    camera,
    detector,
    embedder,
    recognition,
    presence,
    mqtt,
    home_assistant,
    household,
    privacy,
    store,
    service,
  } = file;
  const name = room.name ?? room.id.charAt(0).toUpperCase() + room.id.slice(1).replaceAll(/[_-]/g, ' ');
  return {
    room: { id: room.id, name },
    camera: {
      source: camera.source,
      input: camera.input ?? null,
      width: camera.width,
      height: camera.height,
      framerate: camera.framerate,
      index: camera.index ?? null,
      hflip: camera.hflip,
      vflip: camera.vflip,
      rotation: camera.rotation,
      mode: camera.mode ?? null,
      roi: camera.roi ?? null,
      tuningFile: camera.tuning_file ?? null,
      loop: camera.loop,
      stallMs: ms(camera.stall_seconds),
    },
    detector: {
      score: detector.score ?? null,
      minEyesPx: detector.min_eyes_px,
      tilesPerFrame: detector.tiles_per_frame,
    },
    embedder: { id: embedder.id ?? null, threads: embedder.threads ?? null },
    recognition: {
      threshold: recognition.threshold ?? null,
      margin: recognition.margin ?? null,
      wrongNamesPerMonth: recognition.wrong_names_per_month,
      strangersPerDay: recognition.strangers_per_day,
      /** Infinity: never. */
      pictureAfterMs: ms(60 * recognition.picture_after_minutes) || Number.POSITIVE_INFINITY,
    },
    presence: {
      looks: presence.looks,
      windowMs: ms(presence.window_seconds),
      /** `left` comes when the last evidence is older than the longer of these two. */
      leaveAfterMs: ms(presence.leave_after_seconds),
      /** Home Assistant's Hold number; changes at run time. */
      holdMs: ms(presence.hold_seconds),
      motionHalfLifeMs: ms(presence.motion_half_life_seconds),
      strangers: presence.strangers,
    },
    mqtt: {
      url: mqtt.url,
      base: mqtt.base,
      protocol: mqtt.protocol,
      clientId: mqtt.client_id ?? null,
      username: mqtt.username ?? null,
      password: mqtt.password ?? null,
      passwordFile: mqtt.password_file ?? null,
      caFile: mqtt.ca_file ?? null,
      certFile: mqtt.cert_file ?? null,
      keyFile: mqtt.key_file ?? null,
      servername: mqtt.servername ?? null,
      verify: mqtt.verify,
      keepaliveMs: ms(mqtt.keepalive_seconds),
    },
    homeAssistant: {
      discovery: home_assistant.discovery,
      prefix: home_assistant.prefix,
      area: home_assistant.area ?? name,
      trackers: home_assistant.trackers,
      mqttRoom: home_assistant.mqtt_room,
    },
    household: { id: household.id, keyFile: household.key_file ?? join(store.directory, 'household-key') },
    privacy: { snapshots: privacy.snapshots, looksKeptMs: ms(3600 * privacy.looks_kept_hours) },
    store: { directory: store.directory, keyFile: store.key_file ?? join(store.directory, 'key') },
    service: {
      logLevel: service.log_level,
      healthMs: ms(service.health_seconds),
      controlSocket: service.control_socket ?? null,
    },
  };
}

// TOML with the line of every key, so that an error can point at it.

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
