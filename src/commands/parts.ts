// The gallery, the embedding space, the daemon and the journal that the configuration names, for the verbs.
import { accessSync, constants, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fail, RoomkinError } from '../base/errors.js';
import type { Config } from '../config/load.js';
import { createCalibrator, journalPlace, recognitionOptions } from '../config/parts.js';
import { askDaemon } from '../control/client.js';
import { type SocketPath, socketPath } from '../control/path.js';
import type { ControlRequest } from '../control/protocol.js';
import { chooseEmbedder, readManifest } from '../engine/manifest.js';
import { hasJournal, type JournalStore, openJournalStore } from '../journal/store.js';
import type { Sources } from '../reports/report.js';
import type { ReportAnswer, ReportGiven, ReportName } from '../reports/reports.js';
import { openStore } from '../store/gallery-store.js';
import type { Store } from '../store/store.js';
import type { CommandIo } from './command.js';

/** The gallery of the configuration. Errors: CONFIG_*, DATABASE, KEY_FILE. */
export function openGallery(io: CommandIo): Store {
  return openStore({ ...io.config().store, onDamage: (sentence) => io.log('warning', sentence) });
}

/** The embedding space of the configured embedder, without starting it. Errors: MODEL_MISSING, MODEL_HASH. */
export function configuredSpace(io: CommandIo): string {
  return chooseEmbedder(readManifest(), io.config().embedder.id).space;
}

/** The control socket of a room. */
export function daemonSocket(config: Config): SocketPath {
  return socketPath({
    room: config.room.id,
    storeDirectory: config.store.directory,
    configured: config.service.controlSocket,
  });
}

// Reports.

/**
 * The report `name`: from the running daemon, which everybody in its group may ask. Without a daemon it is made here, from the state
 * directory. `config`: the room that is asked. Errors: those of the report; DAEMON_NOT_RUNNING where there is no daemon and this user may not read the directory.
 */
export async function reportOf<N extends ReportName>(
  io: CommandIo,
  name: N,
  given: ReportGiven<N>,
  config: Config = configOf(name, io),
): Promise<ReportAnswer<N>> {
  const { signal } = io;
  using patience = openPatience(io);
  try {
    const { askReport } = await import('../control/ask-report.js');
    return await askReport(daemonSocket(config), name, given, { signal, onProgress: patience.progress });
  } catch (error) {
    if (!(error instanceof RoomkinError) || error.code !== 'DAEMON_NOT_RUNNING') throw error;
    refuseForbidden(config.store.directory, error);
    return await reportHere(config, io, name, given);
  }
}

/** Reports of one room: the others are about what all rooms share, and any of them can make them. */
const ofOneRoom: ReadonlySet<ReportName> = new Set(['correct', 'faces', 'replay']);

const configOf = (name: ReportName, io: CommandIo): Config => (ofOneRoom.has(name) ? io.room() : io.config());

/** After this time without an answer a verb says what it waits for, milliseconds. */
const patienceMs = 700;

/** Asks the daemon of one room once, as `askDaemon`, and says so where it takes long. */
export async function ask<Result>(io: CommandIo, request: ControlRequest, room: Config): Promise<Result> {
  using _patience = openPatience(io);
  return await askDaemon<Result>(daemonSocket(room), request, undefined, io.signal);
}

/** Says after a while that the verb waits for the daemon, unless it shows other progress by then. Disposed, it clears what is shown. */
function openPatience(io: CommandIo): Disposable & { readonly progress: (text: string) => void } {
  const waiting = setTimeout(() => io.progress('waiting for the daemon...'), patienceMs);
  return {
    progress(text) {
      clearTimeout(waiting);
      io.progress(text);
    },
    [Symbol.dispose]() {
      clearTimeout(waiting);
      io.progress('');
    },
  };
}

/** Whether this user may read and change what is in `directory`; true also where there is no such directory yet. */
export function mayOpen(directory: string): boolean {
  try {
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    return true;
  } catch (error) {
    return !['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');
  }
}

/** `unavailable`: why the daemon does not answer, with what to do. */
function refuseForbidden(directory: string, unavailable: RoomkinError): void {
  if (mayOpen(directory)) return;
  const sentence = `${unavailable.message} (without the daemon only root and its user may read ${directory})`;
  throw fail('DAEMON_NOT_RUNNING', sentence, unavailable);
}

async function reportHere<N extends ReportName>(
  config: Config,
  io: CommandIo,
  name: N,
  given: ReportGiven<N>,
): Promise<ReportAnswer<N>> {
  let store: Store | null = null;
  let journal: JournalStore | null = null;
  const sources: Sources = {
    config,
    daemon: null,
    // Opening creates a gallery where there is none. A report that needs none leaves no trace.
    get store() {
      store ??= openGallery(io);
      return store;
    },
    space: () => configuredSpace(io),
    gallery() {
      const space = configuredSpace(io);
      return createCalibrator(config, space, recognitionOptions(config)).calibrated(sources.store.gallery(space));
    },
    journal() {
      journal ??= openJournalHere(config, io);
      return journal;
    },
  };
  try {
    const { makeReport } = await import('../reports/reports.js');
    return await makeReport(name, given, sources, { signal: io.signal, progress: io.progress });
  } finally {
    (journal as JournalStore | null)?.close();
    (store as Store | null)?.close();
  }
}

// The journal. Its entries are at most a day old, even where no daemon has run to erase older ones.

/** The journal of a room, without entries that are too old; null where there is none. Errors: CONFIG_*, DATABASE, KEY_FILE. */
export async function openJournal(room: Config, io: CommandIo): Promise<JournalStore | null> {
  await writePending(room);
  return openJournalHere(room, io);
}

/** The journals of all rooms of the state directory, to erase the entries about somebody. Errors: as for `openJournal`. */
export async function openJournals(io: CommandIo): Promise<Pick<JournalStore, 'forget'> & Disposable> {
  const config = io.config();
  const rooms = io.rooms();
  for (const room of rooms) await writePending(room);
  const { directory } = config.store;
  const journals: JournalStore[] = [];
  const close = (): void => {
    for (const journal of journals) journal.close();
  };
  try {
    for (const roomDirectory of [directory, ...foldersIn(join(directory, 'rooms'))]) {
      const { privacy } = rooms.find(({ store }) => store.roomDirectory === roomDirectory) ?? config;
      const journal = openJournalHere({ ...config, privacy, store: { ...config.store, roomDirectory } }, io);
      if (journal !== null) journals.push(journal);
    }
  } catch (error) {
    close();
    throw error;
  }
  return {
    forget(person) {
      for (const journal of journals) journal.forget(person);
    },
    [Symbol.dispose]: close,
  };
}

function foldersIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).map((name) => join(directory, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function openJournalHere(room: Config, io: CommandIo): JournalStore | null {
  const place = journalPlace(room);
  if (!hasJournal(place.directory)) return null;
  const journal = openJournalStore({ ...place, onDamage: (sentence) => io.log('warning', sentence) });
  try {
    journal.prune(Date.now() - room.privacy.looksKeptMs);
    return journal;
  } catch (error) {
    journal.close();
    throw error;
  }
}

/** The daemon keeps the entries of some minutes in memory. A question has it write them. */
async function writePending(room: Config): Promise<void> {
  try {
    await askDaemon(daemonSocket(room), { verb: 'why', last: 1 });
  } catch (error) {
    // No daemon, or one that this user may not ask: what is on disk is read.
    if (!(error instanceof RoomkinError)) throw error;
  }
}
