// Several rooms in one file: [[room]] tables, what they share, and what is refused.
import t from 'tap';
import { faultsOf } from '../../src/base/errors.js';
import { parseConfig, parseRooms } from '../../src/config/load.js';

/** The faults of a configuration; [] where there is none. */
function faults(text: string): readonly string[] {
  try {
    parseRooms(text, 'c.toml');
    return [];
  } catch (error) {
    const lines = faultsOf(error as Error);
    return lines.length > 0 ? lines : [(error as Error).message];
  }
}

const network = (path: string) => `source = "ffmpeg"\ninput = "rtsp://cam.lan/${path}"\n`;
const two = (shared: string, kitchen = '', hall = ''): string =>
  `[[room]]\nid = "kitchen"\n[room.camera]\n${network('a')}${kitchen}[[room]]\nid = "hall"\n[room.camera]\n${network('b')}${hall}${shared}`;

t.test('each [[room]] gives what a file with its [room] gives, over the sections for all', async (t) => {
  const shared = '[camera]\nframerate = 2\n[presence]\nlooks = 4\nleave_after_seconds = 30\n[mqtt]\nusername = "all"\n';
  const own =
    '[room.presence]\nleave_after_seconds = 90\n[room.mqtt]\nusername = "hall"\n[room.home_assistant]\narea = "Ground"\n';
  const [kitchen, hall, ...rest] = parseRooms(two(shared, '', `height = 720\n${own}`), 'c.toml');
  t.same(rest, []);
  const alone = (id: string, keys: string, sections: string) =>
    parseConfig(`[room]\nid = "${id}"\n[camera]\nframerate = 2\n${keys}${sections}`, 'c.toml');
  const { store: _, ...expected } = alone('kitchen', network('a'), shared.replace(/^\[camera\]\n.*\n/, ''));
  const { store, ...present } = kitchen;
  t.same(present, expected);
  t.match(hall, {
    room: { id: 'hall', name: 'Hall' },
    camera: { input: 'rtsp://cam.lan/b', height: 720, width: 1280, framerate: 2 },
    presence: { looks: 4, leaveAfterMs: 90_000 },
    mqtt: { username: 'hall' },
    homeAssistant: { area: 'Ground' },
  });
  t.equal(kitchen.presence.leaveAfterMs, 30_000, 'a key of one room changes no other room');
  t.equal(store.directory, hall!.store.directory, 'one gallery');
  t.match(hall!.store.roomDirectory, /\/rooms\/hall$/);
  t.match(store.roomDirectory, /\/rooms\/kitchen$/);
});

t.test('one [[room]] is one [room]', async (t) => {
  t.same(
    parseConfig(`[[room]]\nid = "hall"\n[room.camera]\n${network('a')}`, 'c.toml'),
    parseConfig(`[room]\nid = "hall"\n[camera]\n${network('a')}`, 'c.toml'),
  );
});

t.test('each fault is one line that says what to do', async (t) => {
  t.same(faults(two('')), []);
  t.match(faults('[room]\nid = "a"\n[[room]]\nid = "b"\n'), [/c\.toml:3:\d+: .*write \[\[room\]\] in front of each/]);
  t.match(faults('[[room]]\nid = "a"\n[room]\nid = "b"\n'), [/c\.toml:3:\d+: .*write \[\[room\]\] in front of each/]);
  t.match(faults(two('').replaceAll('kitchen', 'hall')), [
    /^c\.toml:7: room 2, id: hall is the id of table 1 too: give each \[\[room\]\] an id of its own$/,
  ]);
  t.match(faults(two('', 'heigth = 720\n')), [
    /^c\.toml:6: room kitchen, camera\.heigth: unknown key; did you mean height\?$/,
  ]);
  t.match(faults(two('[camera]\nheigth = 720\n')), [
    /^c\.toml:12: camera\.heigth: unknown key; did you mean height\?$/,
  ]);
  t.match(faults(two('', '', 'rotation = 45\n')), [/^c\.toml:11: room hall, camera\.rotation: /]);
  t.match(faults('[[room]]\nid = "a"\nfoo = 1\n[[room]]\nid = "b"\n'), [
    /^c\.toml:3: room a, foo: unknown key; known here: id, name, camera, presence, /,
  ]);
  t.match(faults(two('', '', '[room.store]\ndirectory = "/x"\n')), [
    /^c\.toml:11: room hall, store: is the same for all rooms: write it in \[store\]$/,
  ]);
  t.match(faults(two('', '', '[room.mqtt]\nurl = "mqtt://b"\n')), [
    /^c\.toml:12: room hall, mqtt\.url: is the same for all rooms: write it in \[mqtt\]$/,
  ]);
  t.match(faults('[[room]]\n[[room]]\nid = "b"\n'), [/^c\.toml:1: room 1, id: is required$/]);
  t.match(faults('[[room]]\nid = "a"\n[[room]]\nid = "b"\n'), [
    /^c\.toml:\d: room b, camera: room a has camera 0 of libcamera already, .* give each room its own \[room\.camera\]$/,
  ]);
  t.match(faults(two('[mqtt]\nclient_id = "x"\n')), [
    /^c\.toml:12: mqtt\.client_id: room kitchen has the same: remove it/,
  ]);
  t.match(faults(two('[service]\ncontrol_socket = "/x"\n')), [/^c\.toml:12: service\.control_socket: .*remove it/]);
  t.match(faults('[[room]]\nid = "a"\n[room.camera]\nsource = "replay"\n[[room]]\nid = "b"\n'), [
    /^c\.toml:3: room a, camera\.input: is required/,
  ]);
  t.match(
    faults(two('[presence]\nlooks = "3"\n')),
    [/^c\.toml:12: presence\.looks: /],
    'a fault for all rooms is told once',
  );
});
