// `roomkin check` reads the configuration, `roomkin run` also uses it: both must accept the same configurations.
import t from 'tap';
import { faultsOf as linesOf } from '../../src/base/errors.js';
import { parseConfig } from '../../src/config/load.js';
import { brokerName, checkBrokerOptions } from '../../src/mqtt/options.js';
import { discoveryTopic, householdTopics, roomTopics } from '../../src/mqtt/topics.js';

type Keys = Readonly<Record<string, string>>;

function toml(sections: Readonly<Record<string, Keys>>): string {
  const lines = (keys: Keys) => Object.entries(keys).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`);
  return Object.entries({ room: { id: 'kitchen' }, ...sections })
    .map(([name, keys]) => `[${name}]\n${lines(keys).join('')}`)
    .join('');
}

/** The loader's error for `sections`; null where it accepts them. An accepted configuration is used as in `run`. */
function faultsOf(sections: Readonly<Record<string, Keys>>): string | null {
  let config: ReturnType<typeof parseConfig>;
  try {
    config = parseConfig(toml(sections), 'c.toml');
  } catch (error) {
    return linesOf(error as Error).join('\n');
  }
  roomTopics(config.mqtt.base, config.room.id);
  discoveryTopic(config.homeAssistant.prefix, config.room.id);
  householdTopics(config.household.id, config.room.id);
  checkBrokerOptions(config.mqtt);
  brokerName(config.mqtt);
  return null;
}

const topics = ['home.presence', '$SYS', 'a//b', 'a/', '/a', '#', 'a/+/b', 'a b', 'é', 'x'.repeat(65), 'a\u0000b', ''];

t.test('a base or prefix that is not a topic is an error with its line', async (t) => {
  for (const topic of topics) {
    t.match(faultsOf({ mqtt: { base: topic } }), /^c\.toml:4: mqtt\.base: /, topic);
    t.match(faultsOf({ home_assistant: { prefix: topic } }), /^c\.toml:4: home_assistant\.prefix: /, topic);
  }
  t.equal(faultsOf({ mqtt: { base: 'House_1/rooms-2' }, home_assistant: { prefix: 'ha' } }), null);
});

t.test('an invalid id is an error with its line', async (t) => {
  for (const id of ['', 'A', 'a/b', 'a.b', 'none', 'stranger', 'x'.repeat(33), 'Küche']) {
    t.match(faultsOf({ room: { id } }), /^c\.toml:2: room\.id: /, id);
    t.match(faultsOf({ household: { id } }), /^c\.toml:4: household\.id: /, id);
  }
});

t.test('a certificate without its key, or a key without its certificate, is an error with its line', async (t) => {
  t.match(faultsOf({ mqtt: { cert_file: '/a' } }), /^c\.toml:4: mqtt\.cert_file: .*key_file/);
  t.match(faultsOf({ mqtt: { key_file: '/a' } }), /^c\.toml:4: mqtt\.key_file: .*cert_file/);
});

t.test('a path may have 1024 characters', async (t) => {
  t.equal(faultsOf({ store: { directory: `/${'x'.repeat(1023)}` } }), null);
  t.match(faultsOf({ store: { directory: `/${'x'.repeat(1024)}` } }), /store\.directory: at most 1024 characters/);
});
