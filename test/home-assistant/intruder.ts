// An intruder with the login of one room publishes for another room, and an intruder has no login: nothing reaches Home
// Assistant.

import { readFileSync } from 'node:fs';
import { connectAsync, type IClientOptions } from 'mqtt';
import type { HomeAssistant } from './harness.js';
import { secureProtocol } from './harness.js';
import type { Step } from './steps.js';

/** The step, for a running kitchen that is online; none without the guarded listener. */
export function intruderSteps(ha: HomeAssistant): readonly Step[] {
  return secureProtocol === null
    ? []
    : [['neither the hall nor a client without a login can publish for the kitchen', () => intrude(ha)]];
}

const forged = [
  ['room/kitchen/status', 'offline'],
  ['room/kitchen/state', '{"forged":true}'],
  ['room/kitchen/recognition/set', 'OFF'],
  ['homeassistant/device/roomkin/kitchen/config', ''],
] as const;

async function intrude(ha: HomeAssistant): Promise<void> {
  const { url, mqtt } = ha.login('hall');
  const options: IClientOptions = {
    protocolVersion: secureProtocol ?? 5,
    ca: readFileSync(mqtt.caFile ?? ''),
    reconnectPeriod: 0,
  };
  for (const login of [{}, { username: 'kitchen', password: 'wrong' }]) {
    const accepted = await connectAsync(url, { ...options, ...login }, false).then(
      (client) => client.endAsync(true).then(() => true),
      () => false,
    );
    if (accepted) throw new Error(`the broker accepted ${JSON.stringify(login)}`);
  }
  const password = readFileSync(mqtt.passwordFile ?? '', 'utf8').trim();
  const client = await connectAsync(url, { ...options, username: 'hall', password });
  // MQTT 5 reports the refusal, 3.1.1 cannot.
  for (const [topic, payload] of forged)
    await client.publishAsync(topic, payload, { qos: 1, retain: true }).catch(() => {});
  await client.publishAsync('room/hall/status', 'from the hall', { qos: 1 });
  await client.endAsync();
  await ha.expect({
    after: 1,
    entities: {
      'binary_sensor.kitchen_presence_occupancy': { state: 'off' },
      'switch.kitchen_presence_recognition': { state: 'on' },
    },
    messages: [{ topic: 'room/hall/status', payload: 'from the hall' }],
    no_messages: forged.map(([topic, payload]) => ({ topic, payload })),
  });
}
