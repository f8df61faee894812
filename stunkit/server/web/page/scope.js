/**
 * The scope of an address: how far it reaches, in the words of `stunkit explain candidates`. A test
 * holds this table against the one of the command line.
 */

const BLOCKS = [
  // the longest prefix of those that fit decides
  ["0.0.0.0/8", "reserved"],
  ["0.0.0.0/32", "unspecified"],
  ["10.0.0.0/8", "private"],
  ["100.64.0.0/10", "shared"],
  ["127.0.0.0/8", "loopback"],
  ["169.254.0.0/16", "link-local"],
  ["172.16.0.0/12", "private"],
  ["192.0.0.0/24", "reserved"],
  ["192.0.0.0/29", "clat"],
  ["192.0.0.9/32", "public"],
  ["192.0.0.10/32", "public"],
  ["192.0.2.0/24", "documentation"],
  ["192.88.99.0/24", "reserved"],
  ["192.168.0.0/16", "private"],
  ["198.18.0.0/15", "benchmarking"],
  ["198.51.100.0/24", "documentation"],
  ["203.0.113.0/24", "documentation"],
  ["224.0.0.0/4", "multicast"],
  ["240.0.0.0/4", "reserved"],
  ["::/0", "reserved"],
  ["::/128", "unspecified"],
  ["::1/128", "loopback"],
  ["64:ff9b::/96", "nat64"],
  ["64:ff9b:1::/48", "nat64"],
  ["2000::/3", "public"],
  ["2001::/23", "reserved"],
  ["2001::/32", "teredo"],
  ["2001:1::1/128", "public"],
  ["2001:1::2/128", "public"],
  ["2001:1::3/128", "public"],
  ["2001:2::/48", "benchmarking"],
  ["2001:3::/32", "public"],
  ["2001:4:112::/48", "public"],
  ["2001:10::/28", "reserved"],
  ["2001:20::/28", "public"],
  ["2001:30::/28", "public"],
  ["2001:db8::/32", "documentation"],
  ["2002::/16", "6to4"],
  ["3fff::/20", "documentation"],
  ["fc00::/7", "unique-local"],
  ["fe80::/10", "link-local"],
  ["fec0::/10", "site-local"],
  ["ff00::/8", "multicast"],
]
  .map(([block, scope]) => {
    const [address, length] = block.split("/");
    return {...parseAddress(address), length: Number(length), scope};
  })
  .sort((one, other) => other.length - one.length);

/** What a scope means to a call, in a few words. */
export const MEANINGS = {
  public: "reachable from the internet, if no firewall says no",
  private: "inside a home or an office",
  shared: "between a carrier's NAT and its customers",
  clat: "inside a host on an IPv6-only network",
  "link-local": "on the same link only",
  "unique-local": "inside a network, the private addresses of IPv6",
  "site-local": "inside a network, as was usual once",
  loopback: "this device itself",
  unspecified: "no address at all",
  multicast: "not for hosts",
  documentation: "of examples and laboratories",
  benchmarking: "of laboratories",
  "6to4": "a tunnel of the past",
  teredo: "a tunnel of the past",
  nat64: "an IPv4 address as an IPv6-only network writes it",
  reserved: "not given out",
  mdns: "a name in an address's place: the browser hides that from pages",
  name: "a name that has to be looked up",
};

/** Return {family, value, bits} of an IP address, or null for anything else. */
export function parseAddress(text) {
  const bare = text.replace(/^\[|\]$/g, "").split("%")[0];
  return bare.includes(":") ? parseSixth(bare) : parseFourth(bare);
}

/** Return "ipv4", "ipv6", or null for a name. An IPv4-mapped address is one of IPv4. */
export function familyOf(address) {
  return unmapped(parseAddress(address))?.family ?? null;
}

/** Return the scope of an address or of a name. */
export function scopeOf(address) {
  const ip = unmapped(parseAddress(address));
  if (ip === null) return /\.local\.?$/i.test(address) ? "mdns" : "name";
  const block = BLOCKS.find(
    one =>
      one.family === ip.family &&
      one.value >> BigInt(ip.bits - one.length) === ip.value >> BigInt(ip.bits - one.length),
  );
  return block?.scope ?? "public";
}

function parseFourth(text) {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every(one => /^(0|[1-9]\d{0,2})$/.test(one) && one < 256)) {
    return null;
  }
  const value = parts.reduce((sum, one) => (sum << 8n) + BigInt(one), 0n);
  return {family: "ipv4", value, bits: 32};
}

function parseSixth(text) {
  let words = text;
  const tail = words.slice(words.lastIndexOf(":") + 1);
  if (tail.includes(".")) {
    // its last 32 bits, written as IPv4 is
    const last = parseFourth(tail);
    if (last === null) return null;
    const halves = [last.value >> 16n, last.value & 0xffffn].map(one => one.toString(16));
    words = words.slice(0, -tail.length) + halves.join(":");
  }
  const sides = words.split("::");
  if (sides.length > 2) return null;
  const [before, after] = sides.map(one => (one === "" ? [] : one.split(":")));
  const missing = 8 - before.length - (after?.length ?? 0);
  if (after === undefined ? missing !== 0 : missing < 1) return null;
  const all = [...before, ...Array(missing).fill("0"), ...(after ?? [])];
  if (!all.every(one => /^[0-9a-f]{1,4}$/i.test(one))) return null;
  const value = all.reduce((sum, one) => (sum << 16n) + BigInt(`0x${one}`), 0n);
  return {family: "ipv6", value, bits: 128};
}

function unmapped(ip) {
  // RFC 4291 section 2.5.5.2
  const isMapped = ip?.family === "ipv6" && ip.value >> 32n === 0xffffn;
  return isMapped ? {family: "ipv4", value: ip.value & 0xffffffffn, bits: 32} : ip;
}
