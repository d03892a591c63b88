// How a verb reads the journal of the daemon. Its entries are at most a day old, even where no daemon has run to erase older ones.
import { hasJournal, type JournalStore, openJournalStore } from '../journal/store.js';
import type { CommandIo } from './command.js';

/** The configured journal, without entries that are too old; null where there is none. Errors: CONFIG_*, DATABASE, KEY_FILE. */
export function openJournal(io: CommandIo): JournalStore | null {
  const { privacy, store } = io.config();
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
