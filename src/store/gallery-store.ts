// The store of the household's people in SQLite with sealed templates. Another process may change them at any time; `version` shows it.
import { join } from 'node:path';
import { fail, oneLine } from '../base/errors.js';
import { nearest } from '../base/suggest.js';
import { foldName } from '../gallery/names.js';
import type { Gallery, PersonId } from '../gallery/person.js';
import { createChanges } from './changing.js';
import { databaseName, translated, truncateLog } from './database.js';
import { damageTranslated, openRestored } from './opening.js';
import { createReader } from './reading.js';
import { damageSentences } from './roster.js';
import { openSetting, sealSetting } from './seal.js';
import { createSettingWriter } from './setting-writer.js';
import { isSnapshotDue, removeSnapshots, writeSnapshot } from './snapshots.js';
import type { PersonRecord, Store, StoreOptions } from './store.js';

/**
 * Opens the gallery. Creates it and its key file in a directory that has neither. A damaged gallery is restored from a snapshot where
 * no daemon uses it; otherwise what is intact is read, and `onDamage` gets what is not. Errors: DATABASE, KEY_FILE.
 */
export function openStore(options: StoreOptions): Store {
  const { directory, onDamage = () => {}, wallMs = Date.now } = options;
  const path = join(directory, databaseName);
  const { database, unwritable, sql, keys, roster, damage: firstDamage } = openRestored(options);
  let damage = firstDamage;
  const reported = new Set<string>();
  const reportDamage = (): void => {
    for (const sentence of damageSentences(damage, path)) {
      if (!reported.has(sentence)) onDamage(sentence);
      reported.add(sentence);
    }
  };
  reportDamage();
  const reader = createReader(sql, keys, (what) =>
    onDamage(`${what} in ${path} does not open (damaged or moved) and is ignored: enrol its photo again`),
  );
  const changes = createChanges(sql, keys, reader, wallMs);
  const settingKey = keys.derive('setting');
  const guarded = <T>(work: () => T): T => translated(path, () => damageTranslated(path, isDamaged, work));
  const isDamaged = (): boolean => damageSentences(damage, path).length > 0;

  // data_version changes when another connection commits; undefined after a commit of this connection.
  let dataVersion: number | undefined;
  let version = 0;
  const currentVersion = (): number => {
    const newDataVersion = sql.dataVersion.get();
    if (newDataVersion !== dataVersion) version = sql.meta.get('gallery_version') as number;
    dataVersion = newDataVersion;
    return version;
  };

  const read = new Map<string, Gallery>();
  const consistent = <T>(read: () => T): T => guarded(() => database.transaction(read)());
  const refuseUnwritable = (): void => {
    if (unwritable !== null) throw unwritable;
  };
  const truncate = (): boolean => guarded(() => truncateLog(database));
  const keepSnapshots = (): void => {
    if (unwritable !== null || isDamaged()) return;
    guarded(() => {
      if (isSnapshotDue(directory, currentVersion(), wallMs())) writeSnapshot(directory, database, keys);
    });
  };
  /** A disk that cannot hold a snapshot must not refuse a change. The daemon tries again and says so. */
  const tryToKeepSnapshots = (): void => {
    try {
      keepSnapshots();
    } catch {}
  };

  /** `forgotten`: a person who may be in the roster only. */
  const transact = <T>(work: (changed: () => void) => T, forgotten?: PersonId): T => {
    refuseUnwritable();
    const { result, isErased } = guarded(() => {
      dataVersion = undefined;
      return database
        .transaction(() => {
          const before = roster.compare();
          damage = { ...before, missing: new Map([...before.missing].filter(([id]) => id !== forgotten)) };
          const result = work(() => void sql.bumpVersion.run());
          const isErased = roster.write(damage);
          // Before the commit: after a crash the person is still in the gallery and can be forgotten again.
          if (isErased) removeSnapshots(directory);
          damage = roster.compare();
          return { result, isErased };
        })
        .immediate();
    });
    // A snapshot that another process wrote meanwhile.
    if (isErased) guarded(() => removeSnapshots(directory));
    tryToKeepSnapshots();
    return result;
  };
  const write = <T>(work: () => T, forgotten?: PersonId): T =>
    transact((changed) => {
      const result = work();
      changed();
      return result;
    }, forgotten);
  /** Damaged names are replaced by those of the roster. */
  const named = <P extends { readonly id: PersonId; readonly name: string }>(person: P): P => {
    const name = damage.altered.get(person.id);
    return name === undefined ? person : { ...person, name };
  };

  const writer = createSettingWriter(path);
  const close = (): void => {
    writer[Symbol.dispose]();
    database.close();
  };

  const store: Store = {
    unwritable: unwritable?.message ?? null,
    get version() {
      return guarded(currentVersion);
    },
    gallery(space) {
      const cached = read.get(space);
      if (cached?.version === guarded(currentVersion)) return cached;
      const gallery = consistent(() => {
        damage = roster.compare();
        return reader.gallery(space);
      });
      reportDamage();
      const intact = { ...gallery, people: gallery.people.map(named) };
      read.set(space, intact);
      return intact;
    },
    people: () => consistent(reader.people).map(named),
    names: () =>
      guarded(() => [
        ...sql.people.all().flatMap(({ id, name }) => [id, name]),
        ...[...damage.altered, ...damage.missing].flat(),
      ]),
    find(nameOrId) {
      return consistent(() => {
        const id = reader.row(nameOrId)?.id;
        const people = reader.people();
        const record = people.find((person) => person.id === id);
        if (record) return named(record);
        const lost = [...damage.missing, ...damage.altered].find((person) => person.includes(nameOrId));
        const altered = people.find((person) => person.id === lost?.[0]);
        if (altered) return named(altered);
        if (lost) return { id: lost[0], name: lost[1], createdAtMs: 0, templates: [] };
        const guess = nearestName(nameOrId, people);
        const advice = guess === null ? 'see roomkin people' : `did you mean ${guess}?`;
        throw fail('PERSON_UNKNOWN', `nobody is called ${oneLine(nameOrId, 60)}: ${advice}`);
      });
    },
    change(work) {
      const result = write(() => work(changes));
      // The log must not keep an old name or an erased observation.
      truncate();
      return result;
    },
    forget(person) {
      const isListed = damage.missing.has(person);
      write(() => {
        if (sql.removePerson.run(person).changes === 0 && !isListed)
          throw fail('PERSON_UNKNOWN', `nobody has the id ${person}`);
      }, person);
      return truncate();
    },
    fileNames: () => consistent(reader.fileNames),
    openTemplates: (person) => consistent(() => reader.openTemplates(person)),
    openNegativeTemplates: (person) => consistent(() => reader.openNegativeTemplates(person)),
    corrections: () => consistent(reader.corrections),
    openCohort: () => consistent(reader.openCohort),
    keepSnapshots,
    setting: (key) => guarded(() => openSetting(settingKey, key, sql.setting.get(key) ?? null)),
    setSetting(key, value) {
      refuseUnwritable();
      guarded(() => {
        if (value === null) sql.removeSetting.run(key);
        else sql.setSetting.run(key, sealSetting(settingKey, key, value));
      });
      // A setting can name a person (`announced`).
      truncate();
    },
    async setSettingLater(key, value) {
      refuseUnwritable();
      try {
        await writer.write(key, value === null ? null : sealSetting(settingKey, key, value));
      } catch (cause) {
        guarded(() => {
          throw cause;
        });
      }
    },
    connection: { sql, keys, transact, consistent, truncate },
    close,
    [Symbol.dispose]: close,
  };
  return store;
}

/** The name of the person who was probably meant; null if no name or id is close. */
function nearestName(nameOrId: string, people: readonly PersonRecord[]): string | null {
  const names = new Map(people.flatMap(({ id, name }) => [[id, name] as const, [foldName(name), name] as const]));
  const guess = nearest(foldName(nameOrId), [...names.keys()]);
  return guess === null ? null : names.get(guess)!;
}
