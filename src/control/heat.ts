// Reads from sysfs the temperature of the board and whether the firmware throttles it. Absent values are null.
import { readFile } from 'node:fs/promises';

export interface Heat {
  readonly temperatureCelsius: number | null;
  /** The firmware limits the clock at present because of heat or low voltage (bits 0 to 3 of Raspberry Pi's get_throttled). */
  readonly throttled: boolean | null;
  /** The supply voltage is too low at present (bit 0). */
  readonly underVoltage: boolean | null;
}

const temperatureFile = '/sys/class/thermal/thermal_zone0/temp';
const throttledFile = '/sys/devices/platform/soc/soc:firmware/get_throttled';

/** Never fails. `root` is prepended to the paths, for tests. */
export async function readHeat(root = ''): Promise<Heat> {
  const [temperature, throttled] = await Promise.all([
    readText(root + temperatureFile),
    readText(root + throttledFile),
  ]);
  const milliCelsius = temperature === null ? Number.NaN : Number(temperature);
  const bits = throttled === null ? Number.NaN : Number.parseInt(throttled, 16);
  return {
    temperatureCelsius: Number.isFinite(milliCelsius) ? milliCelsius / 1000 : null,
    throttled: Number.isFinite(bits) ? (bits & 0xf) !== 0 : null,
    underVoltage: Number.isFinite(bits) ? (bits & 1) !== 0 : null,
  };
}

async function readText(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch {
    return null;
  }
}
