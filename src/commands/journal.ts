// How a verb reads the journal of the daemon. Its entries are at most a day old, even where no daemon has run to erase older ones.
import { RoomkinError } from '../base/errors.js';
import { askDaemon } from '../control/client.js';
import { hasJournal, type JournalStore, openJournalStore } from '../journal/store.js';
import type { CommandIo } from './command.js';
import { daemonSocket } from './parts.js';

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
