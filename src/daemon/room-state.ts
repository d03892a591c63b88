// What a room keeps for itself in the state directory: its journal, the position of its privacy switch and its small settings. The only
// room of a daemon has them beside the gallery. One of several rooms has a folder, and its id in front of the names of its settings.
// A room keeps them when the file changes from [room] to [[room]] or back: above all, a room that was switched off stays off.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/load.js';
import { eraseJournal, journalFiles } from '../journal/store.js';
import { giveToOwnerOf } from '../store/keyring.js';
import { positionFileName } from '../store/position-file.js';
import type { Settings } from '../store/settings.js';
import type { Store } from '../store/store.js';

type Place = Pick<Config, 'room' | 'store'>;

/** The settings of a room. */
export const roomSettings = ['announced', 'leave_after', 'fixed_faces'] as const;

const prefixOf = (room: string): string => `${room}.`;
const isOneOfSeveral = ({ store }: Place): boolean => store.roomDirectory !== store.directory;

/** The name of a setting of a room in the store. */
export function settingName(place: Place, key: string): string {
  return isOneOfSeveral(place) ? `${prefixOf(place.room.id)}${key}` : key;
}

/** The settings as a room sees them. */
export function settingsOf(place: Place, settings: Settings): Pick<Settings, 'get' | 'remember'> {
  return {
    get: (key) => settings.get(settingName(place, key)),
    remember: (key, value) => settings.remember(settingName(place, key), value),
  };
}

/**
 * Makes the folders of the rooms and moves what a room kept in the other form of the configuration. `former`: the only room of the run
 * before; null where it is not known. The journal of a room that is not in the configuration any more is erased, because nobody would
 * erase the entries about a person who is forgotten. Errors: of the file system, and DATABASE.
 */
export function prepareRoomState(
  rooms: readonly Place[],
  former: string | null,
  store: Pick<Store, 'setting' | 'setSetting'>,
): void {
  const { directory } = rooms[0]!.store;
  const folders = join(directory, 'rooms');
  for (const place of rooms) {
    const { room } = place;
    const folder = join(folders, room.id);
    if (!isOneOfSeveral(place)) {
      if (!existsSync(folder)) continue;
      moveFiles(folder, directory);
      moveSettings(store, prefixOf(room.id), '');
      rmSync(folder, { recursive: true });
    } else if (!existsSync(folder)) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      for (const path of [folders, folder]) giveToOwnerOf(directory, path);
      if (former !== room.id) continue;
      moveFiles(directory, folder);
      moveSettings(store, '', prefixOf(room.id));
    }
  }
  const present = new Set(rooms.map(({ room }) => room.id));
  if (isOneOfSeveral(rooms[0]!)) eraseJournal(directory);
  else present.clear();
  if (!existsSync(folders)) return;
  for (const name of readdirSync(folders)) if (!present.has(name)) eraseJournal(join(folders, name));
}

function moveFiles(from: string, to: string): void {
  for (const name of [positionFileName, ...journalFiles])
    if (existsSync(join(from, name))) renameSync(join(from, name), join(to, name));
}

function moveSettings(store: Pick<Store, 'setting' | 'setSetting'>, from: string, to: string): void {
  for (const key of roomSettings) {
    const value = store.setting(`${from}${key}`);
    if (value === null) continue;
    store.setSetting(`${to}${key}`, value);
    store.setSetting(`${from}${key}`, null);
  }
}
