// Somebody with the login of one room who meddles in another, and somebody with none: nothing of it reaches Home Assistant.

import { readFileSync } from 'node:fs';
import { connectAsync, type IClientOptions } from 'mqtt';
import type { HomeAssistant } from './harness.js';
import { secureProtocol } from './harness.js';
import type { Step } from './steps.js';

/** The step, for a running kitchen that says it is online; none without the guarded door. */
export function intruderSteps(ha: HomeAssistant): readonly Step[] {
  return secureProtocol === null
    ? []
    : [['the hall cannot speak for the kitchen, nor anybody without a login', () => meddle(ha)]];
}

const forged = [
  ['room/kitchen/status', 'offline'],
  ['room/kitchen/state', '{"forged":true}'],
  ['room/kitchen/recognition/set', 'OFF'],
  ['homeassistant/device/roomkin/kitchen/config', ''],
] as const;

async function meddle(ha: HomeAssistant): Promise<void> {
  const { url, mqtt } = ha.login('hall');
  const options: IClientOptions = {
    protocolVersion: secureProtocol ?? 5,
    ca: readFileSync(mqtt.caFile ?? ''),
    reconnectPeriod: 0,
  };
  for (const login of [{}, { username: 'kitchen', password: 'wrong' }]) {
    const entered = await connectAsync(url, { ...options, ...login }, false).then(
      (client) => client.endAsync(true).then(() => true),
      () => false,
    );
    if (entered) throw new Error(`the broker let ${JSON.stringify(login)} in`);
  }
  const password = readFileSync(mqtt.passwordFile ?? '', 'utf8').trim();
  const client = await connectAsync(url, { ...options, username: 'hall', password });
  // MQTT 5 says that it was refused, 3.1.1 has no word for it.
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
