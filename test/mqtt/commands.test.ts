import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { createCommandGate, parseCommand, type RoomCommand } from '../../src/mqtt/commands.js';
import { roomTopics } from '../../src/mqtt/topics.js';

const topics = roomTopics('room', 'kitchen');
const parse = (topic: string, payload: string, retained = false) =>
  parseCommand(topics, topic, Buffer.from(payload), retained);

t.test('only messages of the grammar are commands', async (t) => {
  t.strictSame(parse(topics.recognitionSet, 'OFF'), { type: 'recognition', on: false });
  t.strictSame(parse(topics.motionSet, 'ON'), { type: 'motion', on: true });
  t.strictSame(parse(topics.restartSet, 'PRESS'), { type: 'restart' });
  t.strictSame(parse(topics.leaveAfterSet, '45'), { type: 'leave-after', seconds: 45 });
  t.strictSame(
    parse(topics.leaveAfterSet, '45.0'),
    { type: 'leave-after', seconds: 45 },
    'as Home Assistant writes it',
  );
  for (const [topic, payload] of [
    [topics.recognitionSet, 'off'],
    [topics.recognitionSet, ''],
    [topics.recognitionSet, 'OFF\n'],
    [topics.recognitionSet, '{"on":false}'],
    [topics.leaveAfterSet, '-1'],
    [topics.leaveAfterSet, '1e3'],
    [topics.leaveAfterSet, 'NaN'],
    [topics.leaveAfterSet, '86401'],
    [topics.leaveAfterSet, ' 5'],
    [topics.leaveAfterSet, '0x10'],
    [topics.motionSet, 'O'.repeat(1_000_000)],
    [topics.restartSet, 'ON'],
    [topics.state, 'ON'],
    ['room/hall/recognition/set', 'OFF'],
  ] as const) {
    t.equal(parse(topic, payload), null, `${topic} ${payload.slice(0, 20)}`);
  }
  t.equal(parse(topics.recognitionSet, 'OFF', true), null, 'a retained command is ignored');
  t.equal(parse(topics.restartSet, 'PRESS', true), null, 'a retained button would restart the room at each connect');
});

t.test('of a flood of commands the first and the last act', async (t) => {
  const executed: RoomCommand[] = [];
  const gate = createCommandGate((command) => executed.push(command));
  for (let n = 0; n < 1000; n += 1) gate.put({ type: 'recognition', on: n % 2 === 0 });
  gate.put({ type: 'leave-after', seconds: 5 });
  t.strictSame(executed, [
    { type: 'recognition', on: true },
    { type: 'leave-after', seconds: 5 },
  ]);
  await sleep(400);
  t.strictSame(executed.slice(2), [{ type: 'recognition', on: false }], 'the last command wins');
  gate.put({ type: 'leave-after', seconds: 6 });
  gate.put({ type: 'leave-after', seconds: 7 });
  gate.close();
  await sleep(400);
  t.strictSame(executed.slice(3), [{ type: 'leave-after', seconds: 6 }], 'nothing acts after close');
});
