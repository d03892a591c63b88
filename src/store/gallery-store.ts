// The household's people in SQLite, their templates sealed. A second process may change them at any time: the version tells.
import { join } from 'node:path';
import { fail, oneLine } from '../base/errors.js';
import { nearest } from '../base/suggest.js';
import { foldName } from '../gallery/names.js';
import type { Gallery } from '../gallery/person.js';
import { createChanges } from './changing.js';
import { databaseName, type SqlDatabase, translated, truncateLog } from './database.js';
import { type Keyring, openKeyring } from './keyring.js';
import { createReader } from './reading.js';
import { createStatements, type Statements } from './statements.js';
import type { PersonRecord, Store, StoreOptions } from './store.js';
import { openReadableDatabase } from './unwritable.js';

/** Opens the gallery, making it and its key file where they are missing. Errors: DATABASE, KEY_FILE. */
export function openStore(options: StoreOptions): Store {
  const { directory, keyFile, onDamage = () => {}, wallMs = Date.now } = options;
  const path = join(directory, databaseName);
  const { database, unwritable } = openReadableDatabase(directory);
  const { sql, keys } = unlock(database, keyFile, path);
  const reader = createReader(sql, keys, (what) =>
    onDamage(`${what} in ${path} does not open (damaged or moved) and is left out: enrol its photo again`),
  );
  const changes = createChanges(sql, keys, reader, wallMs);
  const guarded = <T>(work: () => T): T => translated(path, work);

  // data_version moves when another connection commits; undefined after a commit of our own.
  let dataVersion: number | undefined;
  let version = 0;
  const currentVersion = (): number => {
    const now = sql.dataVersion.get();
    if (now !== dataVersion) version = sql.meta.get('gallery_version') as number;
    dataVersion = now;
    return version;
  };

  const snapshots = new Map<string, Gallery>();
  const consistent = <T>(read: () => T): T => guarded(() => database.transaction(read)());
  const refuseUnwritable = (): void => {
    if (unwritable !== null) throw unwritable;
  };
  const transact = <T>(work: (changed: () => void) => T): T =>
    guarded(() => {
      refuseUnwritable();
      dataVersion = undefined;
      return database.transaction(() => work(() => void sql.bumpVersion.run())).immediate();
    });
  const write = <T>(work: () => T): T =>
    transact((changed) => {
      const result = work();
      changed();
      return result;
    });

  const store: Store = {
    unwritable: unwritable?.message ?? null,
    get version() {
      return guarded(currentVersion);
    },
    gallery(space) {
      const kept = snapshots.get(space);
      if (kept?.version === guarded(currentVersion)) return kept;
      const fresh = consistent(() => reader.gallery(space));
      snapshots.set(space, fresh);
      return fresh;
    },
    people: () => consistent(reader.people),
    find(nameOrId) {
      return consistent(() => {
        const id = reader.row(nameOrId)?.id;
        const people = reader.people();
        const record = people.find((person) => person.id === id);
        if (record) return record;
        const guess = nearestName(nameOrId, people);
        const advice = guess === null ? 'see roomkin people' : `did you mean ${guess}?`;
        throw fail('PERSON_UNKNOWN', `nobody is called ${oneLine(nameOrId, 60)}: ${advice}`);
      });
    },
    change(work) {
      const result = write(() => work(changes));
      // An old name or an erased observation must not stay in the log.
      guarded(() => truncateLog(database));
      return result;
    },
    forget(person) {
      write(() => {
        if (sql.removePerson.run(person).changes === 0) throw fail('PERSON_UNKNOWN', `nobody has the id ${person}`);
      });
      return guarded(() => truncateLog(database));
    },
    openTemplates: (person) => consistent(() => reader.openTemplates(person)),
    openNegativeTemplates: (person) => consistent(() => reader.openRejections(person)),
    corrections: () => consistent(reader.corrections),
    openCohort: () => consistent(reader.openStrangers),
    setting: (key) => guarded(() => sql.setting.get(key) ?? null),
    setSetting(key, value) {
      refuseUnwritable();
      guarded(() => (value === null ? sql.removeSetting.run(key) : sql.setSetting.run(key, value)));
    },
    connection: { sql, keys, transact, consistent, truncate: () => guarded(() => truncateLog(database)) },
    close: () => void database.close(),
    [Symbol.dispose]: () => void database.close(),
  };
  return store;
}

/** The person whose name or id was probably meant, by name; null where nothing is near. */
function nearestName(asked: string, people: readonly PersonRecord[]): string | null {
  const names = new Map(people.flatMap(({ id, name }) => [[id, name] as const, [foldName(name), name] as const]));
  const guess = nearest(foldName(asked), [...names.keys()]);
  return guess === null ? null : names.get(guess)!;
}

/** Reads the key and compares it with the one that the gallery was locked with first. */
function unlock(database: SqlDatabase, keyFile: string, path: string): { sql: Statements; keys: Keyring } {
  try {
    return translated(path, () => {
      const sql = createStatements(database);
      const known = (): Buffer | undefined => sql.meta.get('key_fingerprint') as Buffer | undefined;
      const keys = openKeyring(keyFile, known() !== undefined);
      if (known() === undefined) sql.setMetaOnce.run('key_fingerprint', keys.fingerprint);
      if (!known()?.equals(keys.fingerprint))
        throw fail('KEY_FILE', `${keyFile} is not the key that ${path} was locked with: bring the right one back`);
      return { sql, keys };
    });
  } catch (error) {
    database.close();
    throw error;
  }
}
