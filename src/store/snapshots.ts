// The last three snapshots of the gallery, which a damaged one is restored from. Each is a complete, sealed gallery that was opened and
// compared with its roster before it got its name. A snapshot never holds a person who was forgotten, nor a name that was changed.
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { checkIntegrity, databaseName, makePrivate, migrate, type SqlDatabase } from './database.js';
import { giveToOwnerOf, type Keyring, syncFolder } from './keyring.js';
import { createRoster, damageSentences } from './roster.js';

/** Name of the folder inside the store's directory. */
export const snapshotFolder = 'snapshots';
/** Where a damaged gallery is kept after another one took its place; the next one replaces it. */
export const damagedName = 'gallery.damaged.sqlite';

const mostSnapshots = 3;
const everyMs = 3_600_000;

export interface Snapshot {
  readonly path: string;
  /** Version of the gallery that it holds. */
  readonly version: number;
  /** Wall time when it was written. */
  readonly atMs: number;
}

/** The snapshots in `directory`, newest first. */
export function listSnapshots(directory: string): readonly Snapshot[] {
  const folder = join(directory, snapshotFolder);
  return (existsSync(folder) ? readdirSync(folder) : [])
    .flatMap((name) => {
      const [, version] = /^gallery-(\d{1,15})\.sqlite$/.exec(name) ?? [];
      const path = join(folder, name);
      const stats = version === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
      return stats === undefined ? [] : [{ path, version: Number(version), atMs: stats.mtimeMs }];
    })
    .sort((a, b) => b.version - a.version);
}

/** Whether the newest snapshot is older than `version` of the gallery, and by an hour or from the future (the clock was wrong). */
export function isSnapshotDue(directory: string, version: number, nowMs: number): boolean {
  const [newest] = listSnapshots(directory);
  if (newest === undefined) return true;
  return newest.version !== version && (nowMs - newest.atMs >= everyMs || newest.atMs > nowMs + 60_000);
}

/** Writes a snapshot of `database`, unless it is damaged or changes meanwhile. Errors: those of SQLite and of the file system. */
export function writeSnapshot(directory: string, database: SqlDatabase, keys: Keyring): void {
  const folder = join(directory, snapshotFolder);
  const part = join(folder, `${process.pid}.part`);
  try {
    removeFile(part);
    makePrivate(folder, part);
    giveToOwnerOf(directory, folder);
    chmodSync(part, 0o600);
    database.prepare('VACUUM INTO ?').run(part);
    const version = checked(part, keys, false);
    if (version === null) return;
    syncFile(part);
    giveToOwnerOf(directory, part);
    renameSync(part, join(folder, `gallery-${version}.sqlite`));
    syncFolder(folder);
    // A person may have been forgotten since.
    if (version !== versionOf(database)) removeFile(join(folder, `gallery-${version}.sqlite`));
    for (const { path } of listSnapshots(directory).slice(mostSnapshots)) removeFile(path);
  } finally {
    removeFile(part);
  }
}

/** Overwrites and removes all snapshots and what is left of a damaged gallery. Errors: those of the file system. */
export function removeSnapshots(directory: string): void {
  const folder = join(directory, snapshotFolder);
  const names = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  for (const path of [...names, ...withLog(join(directory, damagedName))]) removeFile(path);
  if (names.length > 0) syncFolder(folder);
}

/**
 * Puts the newest good snapshot in the place of the gallery, and the damaged gallery aside. Nobody else may have the gallery open.
 * Returns the snapshot; null where none is good. Errors: those of the file system.
 */
export function restoreSnapshot(directory: string, keys: Keyring): Snapshot | null {
  const gallery = join(directory, databaseName);
  const part = `${gallery}.restored`;
  try {
    for (const snapshot of listSnapshots(directory)) {
      removeFile(part);
      makePrivate(directory, part);
      copyFileSync(snapshot.path, part);
      if (checked(part, keys, true) === null) continue;
      syncFile(part);
      const aside = join(directory, damagedName);
      for (const path of withLog(aside)) removeFile(path);
      linkSync(gallery, aside);
      // SQLite would apply an old log to the restored gallery.
      if (existsSync(`${gallery}-wal`)) renameSync(`${gallery}-wal`, `${aside}-wal`);
      rmSync(`${gallery}-shm`, { force: true });
      syncFolder(directory);
      renameSync(part, gallery);
      syncFolder(directory);
      return snapshot;
    }
    return null;
  } finally {
    for (const path of withLog(part)) removeFile(path);
  }
}

/** The version of the gallery at `path`; null where it is damaged, of another key, or older or newer than this roomkin and not to be migrated. */
function checked(path: string, keys: Keyring, isMigrated: boolean): number | null {
  let database: SqlDatabase | null = null;
  try {
    database = new Database(path, { readonly: !isMigrated });
    if (isMigrated) migrate(database, path);
    checkIntegrity(database);
    const roster = createRoster(database, keys);
    const fingerprint = database.prepare("SELECT value FROM meta WHERE key = 'key_fingerprint'").pluck().get();
    const isOurs = Buffer.isBuffer(fingerprint) && fingerprint.equals(keys.fingerprint);
    return isOurs && damageSentences(roster.compare(), path).length === 0 ? versionOf(database) : null;
  } catch {
    return null;
  } finally {
    database?.close();
  }
}

function versionOf(database: SqlDatabase): number {
  return database.prepare<[], number>("SELECT value FROM meta WHERE key = 'gallery_version'").pluck().get()!;
}

const withLog = (path: string): string[] => [path, `${path}-wal`, `${path}-shm`, `${path}-journal`];

/** Overwrites the bytes first: a card that does not move them then has none of them. */
function removeFile(path: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) return;
  // Another name of a file that is in use must not be overwritten.
  if (size > 0 && statSync(path).nlink === 1) {
    const file = openSync(path, 'r+');
    try {
      writeSync(file, Buffer.alloc(size));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }
  rmSync(path, { force: true });
}

function syncFile(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
