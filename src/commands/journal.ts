// How a verb reads the looks that the daemon keeps. They are a day old at most, also where no daemon ran to erase them.
import { hasJournal, type JournalStore, openJournalStore } from '../journal/store.js';
import type { CommandIo } from './command.js';

/** The looks of the configuration, without what is too old; null where none are kept. Errors: CONFIG_*, DATABASE, KEY_FILE. */
export function openJournal(io: CommandIo): JournalStore | null {
  const { privacy, store } = io.config();
  if (!hasJournal(store.directory)) return null;
  const looks = openJournalStore({ ...store, onDamage: (sentence) => io.log('warning', sentence) });
  try {
    looks.prune(Date.now() - privacy.looksKeptMs);
    return looks;
  } catch (error) {
    looks.close();
    throw error;
  }
}
