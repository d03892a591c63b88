// Opens the gallery's file: checks it, compares it with its roster, and restores a snapshot where it is damaged.
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isoTime } from '../base/clock.js';
import { fail, oneLine, RoomkinError, sentenceOf } from '../base/errors.js';
import { databaseName, type SqlDatabase, startAgain, translated } from './database.js';
import { type Keyring, openKeyring } from './keyring.js';
import { lockDirectory } from './lock.js';
import { createRoster, type Damage, damageSentences, type Roster } from './roster.js';
import { sealSetting } from './seal.js';
import { damagedName, listSnapshots, restoreSnapshot, type Snapshot, snapshotFolder } from './snapshots.js';
import { createStatements, type Statements } from './statements.js';
import type { Store, StoreOptions } from './store.js';
import { openReadableDatabase } from './unwritable.js';

/** Why the directory has no gallery although it had one, with what to do; null for a gallery and for a first start. */
export function missingGallery({ directory, keyFile }: Pick<StoreOptions, 'directory' | 'keyFile'>): string | null {
  // First the key, then the gallery: a process that creates both at this moment creates the key last.
  const path = join(directory, databaseName);
  const [newest] = listSnapshots(directory);
  const evidence = [keyFile, `${path}-wal`, join(directory, damagedName)].filter((file) => existsSync(file));
  if (newest !== undefined) evidence.push(join(directory, snapshotFolder));
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? null;
  if ((size !== null && size > 0) || evidence.length === 0) return null;
  const fault = `${path} is ${size === null ? 'missing' : 'empty'}, but ${evidence.join(' and ')} ${evidence.length > 1 ? 'are' : 'is'} there`;
  const restore = newest === undefined ? '' : `restore the snapshot with \`cp ${newest.path} ${path}\`, or `;
  return `${fault}: ${restore}remove ${evidence.length > 1 ? 'these' : keyFile === evidence[0] ? 'this key' : 'it'} to start with an empty gallery and \`roomkin import\` a backup`;
}

export interface Opened {
  readonly database: SqlDatabase;
  readonly unwritable: RoomkinError | null;
  readonly sql: Statements;
  readonly keys: Keyring;
  readonly roster: Roster;
  readonly damage: Damage;
}

/** Opens the gallery, or a snapshot in its place where it is damaged. Errors: DATABASE, KEY_FILE. */
export function openRestored(options: StoreOptions): Opened {
  const { directory, keyFile, onDamage = () => {}, isLocked = false } = options;
  const path = join(directory, databaseName);
  const missing = translated(path, () => missingGallery(options));
  if (missing !== null) throw fail('DATABASE', missing);
  let opened: Opened | null = null;
  let failure: unknown = null;
  try {
    opened = openCompared(options);
  } catch (error) {
    if (!isDamageError(error)) throw error;
    failure = error;
  }
  const sentences = opened === null ? [sentenceOf(failure, 200)] : damageSentences(opened.damage, path);
  if (opened !== null && (sentences.length === 0 || opened.unwritable !== null)) return opened;
  try {
    using lock = isLocked ? { [Symbol.dispose]() {} } : lockDirectory(directory, 'restore');
    const keys = lock === null ? null : openKeyring(keyFile, true);
    if (keys !== null && listSnapshots(directory).length > 0) {
      opened?.database.close();
      const snapshot = restoreSnapshot(directory, keys);
      opened = openCompared(options);
      if (snapshot !== null) {
        const sentence = restoredSentence(directory, snapshot, sentences);
        opened.sql.bumpVersion.run();
        opened.sql.setSetting.run(restoredKey, sealSetting(keys.derive('setting'), restoredKey, sentence));
        onDamage(sentence);
        return opened;
      }
    }
  } catch (error) {
    // The daemon has the directory, or the disk fails: what is intact is read.
    if (failure === null && opened?.database.open !== true) opened = openCompared(options);
    if (error instanceof RoomkinError && /^(DAEMON_RUNNING|DIRECTORY_IN_USE)$/.test(error.code))
      onDamage(`${path} is damaged: restart the daemon, which restores a snapshot`);
  }
  if (opened === null) throw failure;
  return opened;
}

/** The setting in which a restored gallery says so, until a daemon has said it. */
const restoredKey = 'restored';

function restoredSentence(directory: string, { atMs }: Snapshot, damage: readonly string[]): string {
  const at = isoTime(atMs).slice(0, 16).replace('T', ' ');
  const aside = join(directory, damagedName);
  return `the gallery was damaged and was restored from the snapshot of ${at} UTC: check with \`roomkin people\`, enrol again what is missing; the damaged file is ${aside} (${oneLine(damage.join('; '), 160)})`;
}

/** What a restored gallery has to say, once; null where it was not restored. */
export function takeRestored(store: Pick<Store, 'setting' | 'setSetting'>): string | null {
  const sentence = store.setting(restoredKey);
  if (sentence !== null) store.setSetting(restoredKey, null);
  return sentence;
}

function openCompared({ directory, keyFile }: StoreOptions): Opened {
  const path = join(directory, databaseName);
  const { database, unwritable } = openReadableDatabase(directory);
  try {
    return damageTranslated(
      path,
      () => true,
      () => {
        const { sql, keys } = unlock(database, keyFile, path);
        const roster = createRoster(database, keys);
        const isUnwritten = (): boolean => unwritable === null && sql.meta.get('roster') === 'unwritten';
        const write = database.transaction(() => {
          if (isUnwritten()) roster.write(roster.compare());
        });
        const compare = database.transaction(roster.compare);
        const damage = translated(path, () => {
          if (isUnwritten()) write.immediate();
          return compare();
        });
        return { database, unwritable, sql, keys, roster, damage };
      },
    );
  } catch (error) {
    database.close();
    throw error;
  }
}

const damageCodes =
  /^(SQLITE_(CORRUPT|NOTADB|ERROR|MISMATCH|CONSTRAINT|SCHEMA|FORMAT|RANGE|TOOBIG|IOERR_SHORT_READ)|FINGERPRINT)/;

/** Whether an error of opening may be damage of the file, which a snapshot replaces. */
function isDamageError(error: unknown): boolean {
  const cause = error instanceof RoomkinError ? (error.cause as { code?: unknown } | undefined) : undefined;
  return damageCodes.test(String(cause?.code));
}

/** Runs `work`. Rows of a damaged file may have any type, so any error of reading them is DATABASE. */
export function damageTranslated<T>(path: string, isDamaged: () => boolean, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const isOther = cause instanceof RoomkinError || (cause instanceof Error && 'code' in cause);
    if (isOther || !isDamaged()) throw cause;
    throw fail('DATABASE', `${path} is damaged (${sentenceOf(cause, 200)}): ${startAgain}`, { code: 'SQLITE_CORRUPT' });
  }
}

/** Reads the key and checks that the gallery was encrypted with it. */
function unlock(database: SqlDatabase, keyFile: string, path: string): { sql: Statements; keys: Keyring } {
  return translated(path, () => {
    const sql = createStatements(database);
    const storedFingerprint = (): unknown => sql.meta.get('key_fingerprint');
    const keys = openKeyring(keyFile, storedFingerprint() !== undefined);
    if (storedFingerprint() === undefined) sql.setMetaOnce.run('key_fingerprint', keys.fingerprint);
    const stored = storedFingerprint();
    if (!Buffer.isBuffer(stored) || !stored.equals(keys.fingerprint))
      throw fail('KEY_FILE', `${keyFile} is not the key that ${path} was encrypted with: restore the right key file`, {
        code: 'FINGERPRINT',
      });
    return { sql, keys };
  });
}
