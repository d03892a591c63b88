// Corrections over MQTT with a real broker, a real gallery and the real journal on disk. Only the clock and the faces are made up.
import t from 'tap';
import { makeReport } from '../../src/reports/reports.js';
import { listenTo, mosquittoPath, startAedes, startMosquitto, waitFor } from '../helpers/brokers.js';
import { roomPublisher } from '../mqtt/room.js';
import { faces, jpeg, startRoom } from './correcting-room.js';

t.setTimeout(120_000);
const hourMs = 3_600_000;
const [topic, answers] = ['room/kitchen/correction/set', 'room/kitchen/correction'];

/** The kitchen, and what somebody with a phone does. */
async function startPhone(t: { teardown(work: () => void): void }) {
  const broker = mosquittoPath === null ? await startAedes() : await startMosquitto();
  const listener = await listenTo(broker.url);
  const kitchen = await startRoom(t, broker.url);
  const events = () => listener.of('room/kitchen/person').map((text) => JSON.parse(text));
  const answered = () => listener.of(answers).map((text) => JSON.parse(text));
  return {
    ...{ broker, listener, kitchen, events, answered },
    /** The id in the event of the face that arrives. */
    async seen(face: Float32Array, person: 'ada' | 'ben' | null): Promise<string> {
      const before = events().length;
      kitchen.arrive(face, person);
      await waitFor(() => events().length > before);
      return events().at(-1).correction;
    },
    /** Sends `message` and returns the answer. */
    async say(message: unknown, options = {}) {
      const before = answered().length;
      await listener.say(topic, typeof message === 'string' ? message : JSON.stringify(message), options);
      await waitFor(() => answered().length > before);
      return answered().at(-1);
    },
    corrections: () =>
      makeReport('corrections', {}, kitchen.sources, { signal: new AbortController().signal, progress() {} }),
    undo: (id: number) =>
      makeReport('corrections/undo', { id }, kitchen.sources, { signal: new AbortController().signal, progress() {} }),
    async [Symbol.asyncDispose]() {
      await kitchen[Symbol.asyncDispose]();
      await listener[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
    },
  };
}

t.test(
  '"Not Ada" and "this is Ben" change the gallery as roomkin correct does, and are undone in the same way',
  async (t) => {
    await using phone = await startPhone(t);
    const id = await phone.seen(faces.bens, 'ada');
    t.match(id, /^[A-Za-z0-9_-]{22}$/);
    const answer = await phone.say({ correction: id, not: 'ada', is: 'Ben' });
    t.match(answer, {
      event_type: 'done',
      correction: id,
      text: /This is not Ada: .*\. This is Ben: .*photos of Ben$/,
    });
    const { corrections } = await phone.corrections();
    t.strictSame(
      corrections.map(({ person, said }) => [person, said]),
      [
        ['ada', 'not'],
        ['ben', 'is'],
      ],
    );
    t.strictSame(
      answer.undo,
      corrections.map((correction) => correction.id),
    );
    const ben = phone.kitchen.store.find('ben');
    t.equal(ben.templates.length, 4);
    for (const undo of answer.undo) await phone.undo(undo);
    t.strictSame((await phone.corrections()).corrections, []);
    t.equal(phone.kitchen.store.find('ben').templates.length, 3);
    t.match(await phone.say({ correction: id, not: 'ada', is: 'Ben' }), {
      event_type: 'refused',
      text: /corrected already/,
    });
    t.strictSame((await phone.corrections()).corrections, [], 'a replay after the undo changes nothing');
  },
);

t.test('two halves of a correction may come one after the other, each once', async (t) => {
  await using phone = await startPhone(t);
  const id = await phone.seen(faces.bens, 'ada');
  t.match(await phone.say({ correction: id, is: 'ben' }), { event_type: 'refused', text: /do not clearly match/ });
  t.match(await phone.say({ correction: id, not: 'ada' }), { event_type: 'done', undo: [1] });
  t.match(await phone.say({ correction: id, not: 'ben' }), { event_type: 'refused', text: /corrected already/ });
  t.match(await phone.say({ correction: id, is: 'ben' }), { event_type: 'done', undo: [2] });
  t.equal((await phone.corrections()).corrections.length, 2);
});

t.test('the guards of roomkin correct refuse, and no answer and no log line has a similarity', async (t) => {
  await using phone = await startPhone(t);
  const own = await phone.seen(faces.own, 'ada');
  t.match(await phone.say({ correction: own, not: 'ada' }), {
    event_type: 'refused',
    correction: own,
    text: /^it resembles Ada so much that Ada would lose the name too: /,
    undo: [],
  });
  const far = await phone.seen(faces.far, null);
  t.match(await phone.say({ correction: far, is: 'ada' }), {
    event_type: 'refused',
    text: /photos of Ada do not clearly/,
  });
  t.match(await phone.say({ correction: far, is: 'Eve' }), { event_type: 'refused', text: /nobody is called Eve/ });
  t.match(await phone.say({ correction: far, is: 'ada', not: 'ADA' }), {
    event_type: 'refused',
    text: /cannot be both/,
  });
  t.strictSame((await phone.corrections()).corrections, []);
  t.notMatch(JSON.stringify([phone.answered(), phone.events(), phone.kitchen.lines]), /similarity|\b0\.\d\d/);
});

t.test('hostile messages are refused with one sentence, and change nothing', async (t) => {
  await using phone = await startPhone(t);
  const id = await phone.seen(faces.double, 'ada');
  const refusals: readonly (readonly [message: unknown, text: RegExp])[] = [
    ['x'.repeat(200_000), /^the message has 200000 bytes, at most 512 are allowed$/],
    ['{"correction":', /must be \{"correction"/],
    [[], /must be/],
    [{ correction: id }, /must be/],
    [{ correction: id, not: 'ada', template: 5 }, /must be/],
    [{ correction: id, not: { id: 'ada' } }, /must be/],
    [{ correction: '../../../etc/passwd', not: 'ada' }, /must be/],
    [{ correction: 'AAAAAAAAAAAAAAAAAAAAAA', not: 'ada' }, /no picture with this id/],
    [{ correction: id, not: '\u202eada\n{{ 1 }}' }, /^nobody is called [^\n]*\\u202eada/],
  ];
  for (const [message, text] of refusals) {
    const answer = await phone.say(message);
    t.match(answer, { event_type: 'refused', undo: [], text });
    t.ok(answer.text.length < 300 && !/[\n\u202e]/.test(answer.text), answer.text);
  }
  t.strictSame((await phone.corrections()).corrections, []);
});

t.test('a retained message, an old one and one for another room are refused', async (t) => {
  await using phone = await startPhone(t);
  const id = await phone.seen(faces.double, 'ada');
  await using hall = await startRoom(t, phone.broker.url, { id: 'hall' });
  hall.arrive(faces.double, 'ada');
  await waitFor(() => phone.listener.of('room/hall/person').length === 1);
  const ofHall = JSON.parse(phone.listener.of('room/hall/person')[0]!).correction;
  t.match(ofHall, /^[A-Za-z0-9_-]{22}$/);
  t.match(await phone.say({ correction: ofHall, not: 'ada' }), {
    event_type: 'refused',
    text: /no picture with this id/,
  });

  phone.kitchen.clock.passedMs += 25 * hourMs;
  t.match(await phone.say({ correction: id, not: 'ada' }), { event_type: 'refused', text: /older than 24 hours/ });
  phone.kitchen.clock.passedMs -= 25 * hourMs;

  await phone.kitchen.publisher.stop();
  await phone.listener.say(topic, JSON.stringify({ correction: id, not: 'ada' }), { retain: true });
  const before = phone.answered().length;
  await using again = await startRoom(t, phone.broker.url);
  await waitFor(() => phone.answered().length > before);
  t.match(phone.answered().at(-1), { event_type: 'refused', text: /retain/ });
  t.strictSame(again.store.corrections(), []);
  t.notOk(
    phone.listener.messages.some(({ topic: at, retain }) => at === answers && retain),
    'no answer is retained',
  );
});

t.test('an observation of somebody who was forgotten is gone', async (t) => {
  await using phone = await startPhone(t);
  const id = await phone.seen(faces.double, 'ada');
  phone.kitchen.store.forget('ada');
  t.match(await phone.say({ correction: id, is: 'ben' }), { event_type: 'refused', text: /journal no longer has/ });
});

t.test('a flood is neither answered nor logged line by line', async (t) => {
  await using phone = await startPhone(t);
  const id = await phone.seen(faces.double, 'ada');
  const message = JSON.stringify({ correction: id, not: 'nobody-here' });
  for (let batch = 0; batch < 10; batch += 1)
    await Promise.all(Array.from({ length: 50 }, () => phone.listener.say(topic, message, { qos: 0 })));
  await waitFor(() => phone.answered().length >= 10);
  await phone.listener.say('room/kitchen/leave_after/set', '45');
  await waitFor(() => phone.kitchen.publisher.status().connected);
  const about = phone.kitchen.lines.filter((line) => line.includes('correction'));
  t.equal(phone.answered().length, 10);
  t.equal(about.length, 11);
  t.match(
    about.filter((line) => line.startsWith('warning')),
    [/more than 10 corrections .* ignored/],
  );
  phone.kitchen.clock.passedMs += 61_000;
  t.match(await phone.say({ correction: id, not: 'ada' }), { event_type: 'done' }, 'a minute later it works again');
});

t.test('without [mqtt] corrections = true nothing is offered and nothing is heard', async (t) => {
  await using broker = mosquittoPath === null ? await startAedes() : await startMosquitto();
  await using listener = await listenTo(broker.url);
  await using publisher = roomPublisher(broker.url, { privacy: { snapshots: true } });
  const heard: string[] = [];
  publisher.onCommand(({ type }) => heard.push(type));
  publisher.onCorrection(() => Promise.reject(new Error('must not be called')));
  publisher.start();
  await waitFor(() => publisher.status().connected);
  const event = { type: 'arrived', person: 'ada', name: 'Ada', confidence: 'high', present: ['ada'] } as const;
  publisher.event({ ...event, atMs: 0, movedTo: null, track: 1 }, jpeg, { track: 1, atMs: 0 });
  await waitFor(() => listener.of('room/kitchen/person').length === 1);
  const body = JSON.parse(listener.of('room/kitchen/person')[0]!);
  t.match(body, { snapshot: 'room/kitchen/snapshot/arrival' });
  t.notOk('correction' in body);
  await listener.say(topic, '{"correction":"AAAAAAAAAAAAAAAAAAAAAA","not":"ada"}');
  await listener.say('room/kitchen/restart/set', 'PRESS');
  await waitFor(() => heard.includes('restart'));
  t.strictSame(listener.of(answers), []);
  t.notOk(listener.of('homeassistant/device/roomkin/kitchen/config').some((text) => text.includes('"correction"')));
});
