// Yesterday's faces, sealed: what `why`, `correct` and `replay` read. No pictures. Only a number and the time lie in the clear;
// the key that opens the rest is wrapped by the key file. Losing this file loses explanations, nothing else.
import { join } from 'node:path';
import type { PersonId } from '../domain/gallery.js';
import { isAbout } from '../domain/look.js';
import type { NotedLook } from '../domain/noteworthy.js';
import { translated, truncateLog } from './database.js';
import { openKeyring } from './keyring.js';
import { decodeLook, encodeLook, lookFormat } from './look-code.js';
import { lookDatabaseName, openLookDatabase } from './look-database.js';
import { seal, unseal } from './seal.js';

/** A look that is kept for a day. */
export interface KeptLook extends NotedLook {
  /** Never given to another look. */
  readonly id: number;
  /** Wall time, milliseconds since the Unix epoch. */
  readonly wallMs: number;
  /** Which run of the daemon: `atMs` and the numbers of tracks are its own. */
  readonly run: string;
  /** Embedding space: looks are only compared with templates of the same. */
  readonly space: string;
}

export type NewLook = Omit<KeptLook, 'id'>;

export interface LookStore extends Disposable {
  /** Keeps looks, all or none. Returns their ids. Errors: DATABASE, as for every method. */
  append(looks: readonly NewLook[]): readonly number[];
  /** The newest `last`, oldest first. */
  recent(last: number): readonly KeptLook[];
  /** From this wall time on, oldest first; read in pages, so that a day needs no memory. */
  since(wallMs: number): Iterable<KeptLook>;
  find(id: number): KeptLook | null;
  /** Erases every look that was named as this person, near to them or explained by them, and then the log. */
  forget(person: PersonId): void;
  /** Erases what is older, and what claims to be from a later day than today (a clock that was wrong). */
  prune(olderThanMs: number): void;
  close(): void;
}

export interface LookStoreOptions {
  readonly directory: string;
  /** Must be there: the gallery, which makes it, is opened first. */
  readonly keyFile: string;
  /** Told when a damaged file or one under another key was started afresh. */
  readonly onDamage?: (sentence: string) => void;
  /** Looks kept at most; the oldest go first. 50,000 are about 40 MB. */
  readonly most?: number;
  /** Wall clock, for `prune`. */
  readonly wallMs?: () => number;
}

/** The owner of the looks' key; not a possible person id. */
const owner = 'looks:';
const dayMs = 86_400_000;
/** Rows read at once by `since`. */
const page = 500;

interface Row {
  readonly id: number;
  readonly atMs: number;
  readonly sealed: Buffer;
}

/** Opens the looks of the last day, making the file where it is missing. Errors: DATABASE, KEY_FILE. */
export function openLookStore(options: LookStoreOptions): LookStore {
  const { directory, keyFile, onDamage = () => {}, most = 50_000, wallMs = Date.now } = options;
  const path = join(directory, lookDatabaseName);
  const keys = openKeyring(keyFile, true);
  const database = openLookDatabase(directory, onDamage);
  const guarded = <T>(work: () => T): T => translated(path, work);
  const one = <P extends unknown[], R>(text: string) => database.prepare<P, R>(text);
  const columns = 'SELECT id, at_ms AS atMs, sealed FROM look';
  const sql = {
    key: one<[], Buffer>("SELECT value FROM meta WHERE key = 'key'").pluck(),
    setKey: one<[Buffer], void>("INSERT OR REPLACE INTO meta VALUES ('key', ?)"),
    lastId: one<[], number>("SELECT seq FROM sqlite_sequence WHERE name = 'look'").pluck(),
    add: one<[number, number, Buffer], void>('INSERT INTO look VALUES (?, ?, ?)'),
    newest: one<[number], Row>(`${columns} ORDER BY at_ms DESC, id DESC LIMIT ?`),
    after: one<[number, number], Row>(`${columns} WHERE (at_ms, id) > (?, ?) ORDER BY at_ms, id LIMIT ${page}`),
    byId: one<[number], Row>(`${columns} WHERE id = ?`),
    remove: one<[number], void>('DELETE FROM look WHERE id = ?'),
    removeUpTo: one<[number], void>('DELETE FROM look WHERE id <= ?'),
    removeAged: one<[number, number], void>('DELETE FROM look WHERE at_ms < ? OR at_ms > ?'),
    removeAll: one<[], void>('DELETE FROM look'),
  };

  const key = openKey();
  const place = (id: number, atMs: number): string[] => ['look', lookFormat, String(id), String(atMs)];

  return {
    append(looks) {
      return guarded(() =>
        database
          .transaction(() => {
            const last = sql.lastId.get() ?? 0;
            const ids = looks.map((look, index) => {
              const id = last + 1 + index;
              const atMs = Math.round(look.wallMs);
              sql.add.run(id, atMs, seal(key, encodeLook(look), place(id, atMs)));
              return id;
            });
            sql.removeUpTo.run(last + looks.length - most);
            return ids;
          })
          .immediate(),
      );
    },
    recent: (last) =>
      guarded(() => sql.newest.all(last))
        .flatMap(open)
        .reverse(),
    *since(fromMs) {
      for (const rows of pages(Math.ceil(fromMs))) yield* rows.flatMap(open);
    },
    find(id) {
      const row = guarded(() => sql.byId.get(id));
      return (row && open(row)[0]) ?? null;
    },
    forget(person) {
      guarded(() => {
        for (const rows of pages(Number.MIN_SAFE_INTEGER)) {
          // What does not open any more may have been theirs.
          const theirs = rows.filter((row) => open(row).every((look) => isAbout(look, person)));
          database.transaction(() => theirs.forEach(({ id }) => void sql.remove.run(id))).immediate();
        }
        truncateLog(database);
      });
    },
    prune(olderThanMs) {
      guarded(() => sql.removeAged.run(olderThanMs, wallMs() + dayMs));
    },
    close: () => void database.close(),
    [Symbol.dispose]: () => void database.close(),
  };

  /** The looks' own key. Under another key file the looks are noise: they go, their numbers stay taken. */
  function openKey(): Buffer {
    try {
      return guarded(() =>
        database
          .transaction(() => {
            const wrapped = sql.key.get();
            const known = wrapped === undefined ? null : keys.unwrap(wrapped, owner);
            if (known !== null) return known;
            const fresh = keys.create(owner);
            if (wrapped !== undefined) onDamage(`${path} belongs to another key file and is started afresh`);
            sql.removeAll.run();
            sql.setKey.run(fresh.wrapped);
            return fresh.key;
          })
          .immediate(),
      );
    } catch (error) {
      database.close();
      throw error;
    }
  }

  function* pages(fromMs: number): Generator<Row[]> {
    let [atMs, id] = [fromMs, 0];
    while (true) {
      const rows = guarded(() => sql.after.all(atMs, id));
      const last = rows.at(-1);
      if (last === undefined) return;
      [atMs, id] = [last.atMs, last.id];
      yield rows;
    }
  }

  /** None where the seal does not open: damaged, or moved from another row. */
  function open({ id, atMs, sealed }: Row): KeptLook[] {
    const bytes = unseal(key, sealed, place(id, atMs));
    return bytes === null ? [] : [{ id, wallMs: atMs, ...decodeLook(bytes) }];
  }
}
