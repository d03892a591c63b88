import t from 'tap';
import { RoomkinError } from '../../src/base/errors.js';
import { isId } from '../../src/gallery/names.js';
import { checkPrefix, discoveryTopic, roomTopics } from '../../src/mqtt/topics.js';

t.test('the topics of a room are below its base', async (t) => {
  const topics = roomTopics('house/room', 'living-room_2');
  t.equal(topics.state, 'house/room/living-room_2/state');
  t.equal(topics.leaveAfterSet, 'house/room/living-room_2/leave_after/set');
  t.equal(discoveryTopic('homeassistant', 'hall'), 'homeassistant/device/roomkin/hall/config');
});

const hostile = [
  '',
  '#',
  '+',
  'a/b',
  '../etc',
  'a\u0000',
  'a\nb',
  'Küche',
  'KITCHEN',
  '$SYS',
  'a b',
  'a'.repeat(33),
  'x'.repeat(65_536),
];
const reserved = ['none', 'unknown', 'unavailable', 'nobody', 'stranger'];

t.test('hostile ids are refused in one short line', async (t) => {
  for (const id of [...hostile, ...reserved]) {
    t.notOk(isId(id));
    try {
      roomTopics('room', id);
      t.fail(`${id.slice(0, 20)} was accepted`);
    } catch (error) {
      t.ok(error instanceof RoomkinError && error.code === 'CONFIG_INVALID');
      const { message } = error as Error;
      t.ok(message.length < 200 && !/[\u0000-\u001f]/.test(message), message);
    }
  }
});

t.test('hostile bases are refused', async (t) => {
  for (const base of ['', '/', 'a//b', 'a/', '/a', '#', 'a/+/b', '$share', 'a\u0000b', 'a b', 'é', 'x'.repeat(65)]) {
    t.throws(() => checkPrefix(base, 'mqtt.base'), { code: 'CONFIG_INVALID' }, base.slice(0, 20));
  }
  t.equal(checkPrefix('House_1/rooms-2', 'mqtt.base'), 'House_1/rooms-2');
});
