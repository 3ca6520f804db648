import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
let lastTime = -1;
let lastRandom: number[] = [];

/** A ULID: 26 characters, sorts by time, strictly growing within this process (ULID specification, monotonic variant). */
export function ulid(now: number = Date.now()): string {
  if (now > lastTime) {
    lastTime = now;
    lastRandom = [...randomBytes(16)].map((byte) => byte & 31);
  } else {
    let place = 15;
    while (place > 0 && lastRandom[place] === 31) lastRandom[place--] = 0;
    lastRandom[place] = ((lastRandom[place] ?? 0) + 1) & 31;
  }
  let rest = lastTime;
  let time = '';
  for (let i = 0; i < 10; i += 1) {
    time = ALPHABET.charAt(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  return time + lastRandom.map((value) => ALPHABET.charAt(value)).join('');
}
