// The gallery, the embedding space, the daemon and the journal that the configuration names, for the verbs.
import { RoomkinError } from '../base/errors.js';
import type { Config } from '../config/load.js';
import { askDaemon } from '../control/client.js';
import { type SocketPath, socketPath } from '../control/path.js';
import { chooseEmbedder, readManifest } from '../engine/manifest.js';
import { hasJournal, type JournalStore, openJournalStore } from '../journal/store.js';
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

/** The control socket of the configured room. */
export function daemonSocket(config: Config): SocketPath {
  return socketPath({
    room: config.room.id,
    storeDirectory: config.store.directory,
    configured: config.service.controlSocket,
  });
}

// The journal. Its entries are at most a day old, even where no daemon has run to erase older ones.

/** The configured journal, without entries that are too old; null where there is none. Errors: CONFIG_*, DATABASE, KEY_FILE. */
export async function openJournal(io: CommandIo): Promise<JournalStore | null> {
  const { privacy, store } = io.config();
  await writePending(io);
  if (!hasJournal(store.directory)) return null;
  const journal = openJournalStore({ ...store, onDamage: (sentence) => io.log('warning', sentence) });
  try {
    journal.prune(Date.now() - privacy.looksKeptMs);
    return journal;
  } catch (error) {
    journal.close();
    throw error;
  }
}

/** The daemon keeps the entries of some minutes in memory. A question has it write them. */
async function writePending(io: CommandIo): Promise<void> {
  try {
    await askDaemon(daemonSocket(io.config()), { verb: 'why', last: 1 });
  } catch (error) {
    // No daemon, or one that this user may not ask: what is on disk is read.
    if (!(error instanceof RoomkinError)) throw error;
  }
}
