// The journals of the rooms for the verbs. Their entries are at most a day old, even where no daemon has run to erase older ones.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { RoomkinError } from '../base/errors.js';
import type { Config } from '../config/load.js';
import { journalPlace } from '../config/parts.js';
import { askDaemon } from '../control/client.js';
import { hasJournal, type JournalStore, openJournalStore } from '../journal/store.js';
import type { CommandIo } from './command.js';
import { daemonSocket } from './parts.js';

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

/** The same, without what the daemon has in memory. */
export function openJournalHere(room: Config, io: CommandIo): JournalStore | null {
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
