// The store of the household's people in SQLite with sealed templates. Another process may change them at any time; `version` shows it.
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

/** Opens the gallery. Creates it and its key file if they are missing. Errors: DATABASE, KEY_FILE. */
export function openStore(options: StoreOptions): Store {
  const { directory, keyFile, onDamage = () => {}, wallMs = Date.now } = options;
  const path = join(directory, databaseName);
  const { database, unwritable } = openReadableDatabase(directory);
  const { sql, keys } = unlock(database, keyFile, path);
  const reader = createReader(sql, keys, (what) =>
    onDamage(`${what} in ${path} does not open (damaged or moved) and is ignored: enrol its photo again`),
  );
  const changes = createChanges(sql, keys, reader, wallMs);
  const guarded = <T>(work: () => T): T => translated(path, work);

  // data_version changes when another connection commits; undefined after a commit of this connection.
  let dataVersion: number | undefined;
  let version = 0;
  const currentVersion = (): number => {
    const newDataVersion = sql.dataVersion.get();
    if (newDataVersion !== dataVersion) version = sql.meta.get('gallery_version') as number;
    dataVersion = newDataVersion;
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
      const cached = snapshots.get(space);
      if (cached?.version === guarded(currentVersion)) return cached;
      const gallery = consistent(() => reader.gallery(space));
      snapshots.set(space, gallery);
      return gallery;
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
      // The log must not keep an old name or an erased observation.
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
    openNegativeTemplates: (person) => consistent(() => reader.openNegativeTemplates(person)),
    corrections: () => consistent(reader.corrections),
    openCohort: () => consistent(reader.openCohort),
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

/** The name of the person who was probably meant; null if no name or id is close. */
function nearestName(nameOrId: string, people: readonly PersonRecord[]): string | null {
  const names = new Map(people.flatMap(({ id, name }) => [[id, name] as const, [foldName(name), name] as const]));
  const guess = nearest(foldName(nameOrId), [...names.keys()]);
  return guess === null ? null : names.get(guess)!;
}

/** Reads the key and checks that the gallery was encrypted with it. */
function unlock(database: SqlDatabase, keyFile: string, path: string): { sql: Statements; keys: Keyring } {
  try {
    return translated(path, () => {
      const sql = createStatements(database);
      const storedFingerprint = (): Buffer | undefined => sql.meta.get('key_fingerprint') as Buffer | undefined;
      const keys = openKeyring(keyFile, storedFingerprint() !== undefined);
      if (storedFingerprint() === undefined) sql.setMetaOnce.run('key_fingerprint', keys.fingerprint);
      if (!storedFingerprint()?.equals(keys.fingerprint))
        throw fail('KEY_FILE', `${keyFile} is not the key that ${path} was encrypted with: restore the right key file`);
      return { sql, keys };
    });
  } catch (error) {
    database.close();
    throw error;
  }
}
