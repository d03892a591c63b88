// A verb's streams: results on stdout, progress and logs on stderr, so that `roomkin ... --json | jq` always works. Everything is
// escaped here, so that no verb can let a file name control the terminal.
import { existsSync } from 'node:fs';
import { type Clock, systemClock } from '../base/clock.js';
import { fail, oneLine } from '../base/errors.js';
import { createLog } from '../base/log.js';
import { printable, printableJson } from '../base/printable.js';
import { columnsOf, firstColumns } from '../base/width.js';
import { type Config, defaultConfigPath, loadRooms, type Rooms, shippedConfig } from '../config/load.js';
import { codeLines, codeStyleOf } from '../phone/code.js';
import type { CommandIo, Stream } from './command.js';
import { showsBlocks } from './drawing.js';
import { wrap } from './rows.js';
import { coloursOf, pictureLines } from './terminal-picture.js';

export interface IoOptions {
  readonly json: boolean;
  /** From `--config`; null: ROOMKIN_CONFIG, or /etc/roomkin/config.toml. */
  readonly configPath: string | null;
  /** From `--room`; null: none was named. */
  readonly room?: string | null | undefined;
  readonly signal: AbortSignal;
  readonly stdout: Stream;
  readonly stderr: Stream;
  /** Replaces the default way to open an engine; for tests. */
  readonly openEngine?: CommandIo['openEngine'] | undefined;
  /** Replaces the system clock; for tests. */
  readonly clock?: Clock | undefined;
  /** Called after each JSON document. */
  readonly onDocument: () => void;
  /** Says so where nothing was printed for this time, milliseconds: a slow board loads a verb for seconds. Default: never. */
  readonly silentMs?: number | undefined;
}

/** Time between two lines of progress without a terminal, milliseconds. */
const progressEveryMs = 5000;
/** The same for a meter whose last line has changed. */
const changedEveryMs = 1000;

/** A CommandIo on these streams. */
export function createIo(options: IoOptions): CommandIo {
  const { json, configPath, room = null, signal, stdout, stderr, clock = systemClock, onDocument, silentMs } = options;
  /** Whether lines on stderr can be overwritten. */
  const terminal = stderr.isTTY === true && process.env['TERM'] !== 'dumb';
  let rooms: Rooms | null = null;
  let progressAt = Number.NEGATIVE_INFINITY;
  let metered = '';
  let lastWork: string | null = null;
  /** Lines of progress that are on the terminal now. */
  let progressLines = 0;
  const silence = silentMs === undefined ? undefined : setTimeout(() => io.progress('starting...'), silentMs).unref();
  const clearProgress = (): void => {
    clearTimeout(silence);
    if (progressLines > 0) stderr.write(`${progressLines > 1 ? `\u001b[${progressLines - 1}A` : ''}\r\u001b[J`);
    progressLines = 0;
  };
  const draw = (lines: readonly string[]): void => {
    const width = (stderr.columns || 80) - 1;
    clearProgress();
    stderr.write(lines.map((line) => firstColumns(printable(line), width)).join('\n'));
    progressLines = lines.length;
  };
  const log = createLog('info', stderr);
  const named = configPath ?? process.env['ROOMKIN_CONFIG'] ?? null;
  const path = named ?? defaultConfigPath;
  const load = (): Rooms => {
    const all = loadRooms(path);
    if (room === null) return all;
    const config = all.find(({ room: { id } }) => id === room);
    if (config === undefined) throw fail('USAGE', `${path} has no room ${oneLine(room, 40)}: it has ${idsOf(all)}`);
    return [config];
  };
  const loadOnce = (): Rooms => {
    rooms ??= load();
    return rooms;
  };
  const io: CommandIo = {
    json,
    // A terminal that does not know its size says 0.
    columns: stdout.columns || 80,
    textColumns: Math.min(stdout.columns || 80, 80),
    blocks: showsBlocks(process.env),
    rows: stdout.rows || 40,
    interactive: process.stdin.isTTY === true && stderr.isTTY === true,
    signal,
    clock,
    configPath: path,
    config: () => loadOnce()[0],
    rooms: loadOnce,
    room() {
      const [config, ...others] = loadOnce();
      if (others.length === 0) return config;
      const example = `--room ${config.room.id}`;
      throw fail('USAGE', `${path} has the rooms ${idsOf(loadOnce())}: say which one, such as ${example}`);
    },
    roomsAgain: load,
    configOrShipped: () => (named !== null || existsSync(defaultConfigPath) ? loadOnce()[0] : shippedConfig()),
    async openEngine(forConfig, changes = {}) {
      if (options.openEngine) return options.openEngine(forConfig, changes);
      const [{ createEngine }, { engineOptions }] = await Promise.all([
        import('../engine/supervisor.js'),
        import('../config/parts.js'),
      ]);
      return createEngine({ ...engineOptions(forConfig, io.log), ...changes });
    },
    out(line) {
      clearProgress();
      if (json) return;
      for (const part of fitted(printable(line), io.columns)) stdout.write(`${part}\n`);
    },
    picture(picture) {
      clearProgress();
      if (json) return;
      for (const line of pictureLines(picture, coloursOf(stdout.isTTY === true, process.env)))
        stdout.write(`${line}\n`);
    },
    code(text) {
      clearProgress();
      if (json) return;
      for (const line of codeLines(text, codeStyleOf(stdout.isTTY === true, process.env))) stdout.write(`${line}\n`);
    },
    document(value) {
      clearProgress();
      if (!json) return;
      stdout.write(`${printableJson(value)}\n`);
      onDocument();
    },
    progress(text) {
      if (text === '') return clearProgress();
      clearTimeout(silence);
      if (terminal) return draw([text]);
      // The text up to its first figure names the work: new work is printed at once.
      const work = text.split(/\d/, 1)[0]!;
      if (work === lastWork && clock.monotonicMs() - progressAt < progressEveryMs) return;
      [progressAt, lastWork] = [clock.monotonicMs(), work];
      stderr.write(`${printable(text)}\n`);
    },
    meter(lines) {
      clearTimeout(silence);
      if (terminal) return draw(lines);
      const last = lines.at(-1)!;
      const everyMs = last === metered ? progressEveryMs : changedEveryMs;
      if (clock.monotonicMs() - progressAt < everyMs) return;
      [progressAt, metered] = [clock.monotonicMs(), last];
      stderr.write(`${printable(last)}\n`);
    },
    log(level, message, fields) {
      clearProgress();
      log(level, message, fields);
    },
  };
  return io;
}

const idsOf = (rooms: readonly Config[]): string => rooms.map(({ room }) => room.id).join(', ');

/** `line`, or where it is wider than `columns` its parts, broken at spaces and indented by two more than the line. */
function fitted(line: string, columns: number): readonly string[] {
  if (columnsOf(line) <= columns) return [line];
  const indent = /^ */.exec(line)![0].slice(0, 20);
  const [first, ...rest] = wrap(line.trimStart(), Math.max(20, columns - indent.length - 2));
  return [`${indent}${first}`, ...rest.map((part) => `${indent}  ${part}`)];
}
