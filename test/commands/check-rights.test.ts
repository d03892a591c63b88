// What `roomkin check` says about a user of the broker whose rights are missing, with a real Mosquitto and both versions of MQTT.
import t from 'tap';
import { checkBroker } from '../../src/commands/check/broker.js';
import { parseConfig } from '../../src/config/load.js';
import { listenTo, startAedes, startMosquitto, withoutMosquitto } from '../helpers/brokers.js';
import { passwordLine } from '../helpers/credentials.js';

if (withoutMosquitto) {
  t.plan(0, withoutMosquitto);
  process.exit(0);
}
t.setTimeout(120_000);

const all = [
  'topic readwrite room/kitchen/#',
  'topic readwrite homeassistant/device/roomkin/kitchen/config',
  'topic read homeassistant/status',
  'topic read household/+/people/+',
  'topic write household/+/people/kitchen',
];
const acl = `user kitchen
${all.join('\n')}
user nothing
topic read nowhere
user reader
${all.map((line) => line.replace('readwrite', 'read')).join('\n')}
user writer
${all.map((line) => line.replace('readwrite', 'write')).join('\n')}
user homeassistant
topic readwrite homeassistant/#
`;
const users = ['kitchen', 'nothing', 'reader', 'writer', 'homeassistant'];

t.test('missing rights are failures that name the topic', async (t) => {
  await using broker = await startMosquitto({
    files: { passwords: users.map((user) => passwordLine(user, 'secret')).join('\n'), acl },
    lines: ['allow_anonymous false', 'password_file FOLDER/passwords', 'acl_file FOLDER/acl'],
  });
  const check = (protocol: 4 | 5, username: string, isDaemonConnected = false, password = 'secret') =>
    checkBroker(
      parseConfig(
        `[room]\nid = "kitchen"\n[mqtt]\nurl = "${broker.url}"\nprotocol = ${protocol}\nusername = "${username}"\npassword = "${password}"\n`,
        'c.toml',
      ),
      isDaemonConnected,
    );
  for (const protocol of [5, 4] as const) {
    t.match(await check(protocol, 'kitchen'), { state: 'ok' });
    t.match(await check(protocol, 'nothing'), {
      state: 'fail',
      found: /may not (publish to|read) room\/kitchen\//,
      advice: /ACL/,
    });
    t.match(await check(protocol, 'reader'), { state: 'fail', found: /may not publish to room\/kitchen\/check/ });
    // Version 3.1.1 acknowledges everything.
    const unread = protocol === 5 ? /may not read room\/kitchen\// : /publish to room\/kitchen\/check, or not read it/;
    t.match(await check(protocol, 'writer'), { state: 'fail', found: unread });
    t.match(await check(protocol, 'kitchen', false, 'wrong'), {
      state: 'fail',
      advice: /^wrong user name or password/,
    });
    t.match(
      await check(protocol, 'kitchen', true),
      { state: 'fail', found: /may not publish to homeassistant\/device\/roomkin\/kitchen\/config/ },
      'the daemon has announced the room, and the broker has no message of it',
    );
  }
  await using home = await listenTo(broker.url.replace('//', '//homeassistant:secret@'));
  await home.say('homeassistant/device/roomkin/kitchen/config', '{}', { retain: true });
  t.match(await check(5, 'kitchen', true), { state: 'ok' });
  t.strictSame(home.of('homeassistant/device/roomkin/kitchen/config').slice(1), [], 'check publishes no discovery');
});

t.test('a broker that refuses subscriptions: what belongs to others is a warning', async (t) => {
  const refused = ['household/home/people/+'];
  await using broker = await startAedes({
    authorizeSubscribe: (_client, subscription, done) =>
      done(null, refused.includes(subscription.topic) ? null : subscription),
  });
  const config = parseConfig(`[room]\nid = "kitchen"\n[mqtt]\nurl = "${broker.url}"\n`, 'c.toml');
  t.match(await checkBroker(config, false), {
    state: 'warn',
    advice: /may not read household\/home\/people\/\+: check the ACL/,
  });
  refused.push('room/kitchen/recognition/set');
  t.match(await checkBroker(config, false), { state: 'fail', found: /may not read room\/kitchen\/recognition\/set/ });
});
