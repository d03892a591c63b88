// What a room keeps when its configuration changes between [room] and [[room]].
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Config } from '../../src/config/load.js';
import { parseRooms } from '../../src/config/load.js';
import { prepareRoomState, settingName, settingsOf } from '../../src/daemon/room-state.js';
import { hasJournal } from '../../src/journal/store.js';
import { openStore } from '../../src/store/gallery-store.js';
import { createPositionFile } from '../../src/store/position-file.js';

const roomsIn = (directory: string, ...ids: string[]): readonly Config[] => {
  const isSeveral = ids.length > 1;
  const tables = ids.map((id) => {
    const [open, close] = isSeveral ? ['[[', ']]'] : ['[', ']'];
    const camera = isSeveral ? `[room.camera]\nsource = "replay"\ninput = "/x/${id}"\n` : '';
    return `${open}room${close}\nid = "${id}"\n${camera}`;
  });
  return parseRooms(`${tables.join('')}[store]\ndirectory = "${directory}"\n`, 'c.toml');
};

t.test('a room that was switched off stays off, whichever form the configuration has', async (t) => {
  const directory = t.testdir();
  using store = openStore({ directory, keyFile: join(directory, 'key') });
  const positionOf = ({ store: { roomDirectory } }: Config) => createPositionFile(roomDirectory).read()?.position;

  const [alone] = roomsIn(directory, 'kitchen') as [Config];
  prepareRoomState([alone], null, store);
  await createPositionFile(alone.store.roomDirectory).write({ position: 'off', published: 'off' });
  store.setSetting('leave_after', '90 60');
  writeFileSync(join(directory, 'looks.sqlite'), '');

  const [kitchen, hall] = roomsIn(directory, 'kitchen', 'hall') as [Config, Config];
  prepareRoomState([kitchen, hall], 'kitchen', store);
  t.equal(positionOf(kitchen), 'off');
  t.equal(positionOf(hall), undefined, 'another room has not been switched off');
  t.equal(store.setting(settingName(kitchen, 'leave_after')), '90 60');
  t.equal(store.setting('leave_after'), null);
  t.ok(hasJournal(kitchen.store.roomDirectory));
  t.notOk(hasJournal(directory));

  prepareRoomState([kitchen, hall], 'kitchen,hall', store);
  t.equal(positionOf(kitchen), 'off', 'a later start changes nothing');
  t.ok(hasJournal(kitchen.store.roomDirectory));

  prepareRoomState([alone], 'kitchen,hall', store);
  t.equal(positionOf(alone), 'off');
  t.equal(store.setting('leave_after'), '90 60');
  t.ok(hasJournal(directory));
  t.notOk(existsSync(kitchen.store.roomDirectory));
});

t.test('a room takes nothing from another one, and the journal of a room that is gone is erased', async (t) => {
  const directory = t.testdir();
  using store = openStore({ directory, keyFile: join(directory, 'key') });
  await createPositionFile(directory).write({ position: 'off', published: null });
  writeFileSync(join(directory, 'looks.sqlite'), '');
  const rooms = roomsIn(directory, 'kitchen', 'hall');
  prepareRoomState(rooms, 'attic', store);
  for (const { store: at } of rooms) t.equal(createPositionFile(at.roomDirectory).read(), null);
  t.notOk(hasJournal(directory), 'nobody would erase its entries');

  const hall = rooms[1]!.store.roomDirectory;
  writeFileSync(join(hall, 'looks.sqlite'), '');
  prepareRoomState(roomsIn(directory, 'kitchen', 'attic'), 'kitchen,hall', store);
  t.notOk(hasJournal(hall));
});

t.test('the settings of rooms do not meet', async (t) => {
  const [kitchen, hall] = roomsIn(t.testdir(), 'kitchen', 'hall') as [Config, Config];
  const known = new Map<string, string>();
  const settings = {
    get: (key: string) => known.get(key) ?? null,
    async remember(key: string, value: string) {
      known.set(key, value);
    },
    [Symbol.dispose]() {},
  };
  await settingsOf(kitchen, settings).remember('leave_after', '5 60');
  t.equal(settingsOf(hall, settings).get('leave_after'), null);
  t.equal(settingsOf(kitchen, settings).get('leave_after'), '5 60');
});
