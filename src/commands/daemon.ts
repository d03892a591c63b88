// Questions of the verbs to the running daemon, and their reports where none runs.
import { fail, RoomkinError } from '../base/errors.js';
import type { Config } from '../config/load.js';
import { createCalibrator, recognitionOptions } from '../config/parts.js';
import { askDaemon } from '../control/client.js';
import type { ControlRequest } from '../control/protocol.js';
import type { JournalStore } from '../journal/store.js';
import type { Sources } from '../reports/report.js';
import type { ReportAnswer, ReportGiven, ReportName } from '../reports/reports.js';
import type { Store } from '../store/store.js';
import type { CommandIo } from './command.js';
import { openJournalHere } from './journals.js';
import { configuredSpace, daemonSocket, mayOpen, openGallery } from './parts.js';

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
