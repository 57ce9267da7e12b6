// What a student has sent and the server has not shown yet: bubbles that appear at once and give way to the real ones.

let counter = 0;

/** The waiting messages of all students. `after` is the newest id the student had when it was sent. */
export function outgoing() {
  let waiting = [];
  const claimed = new Map();
  return {
    add(openid, { kind, text, after }) {
      counter += 1;
      const item = { key: `wait-${counter}`, openid, kind, text, after, failed: false };
      waiting.push(item);
      return item;
    },
    drop(item) {
      waiting = waiting.filter((other) => other !== item);
    },
    /** The list key of a message: that of the bubble it replaces, so that it takes its place without being drawn as new. */
    keyOf: (openid, message) => claimed.get(`${openid}/${message.id}`) ?? `m-${message.id}`,
    /** Those of this student still without their message in `messages`; each message answers for one of them. */
    unseen(openid, messages) {
      for (const item of waiting.filter((other) => other.openid === openid && !other.failed)) {
        const match = messages.find((message) => isSame(message, item) && !claimed.has(`${openid}/${message.id}`));
        if (!match) continue;
        claimed.set(`${openid}/${match.id}`, item.key);
        waiting = waiting.filter((other) => other !== item);
      }
      return waiting.filter((other) => other.openid === openid);
    },
  };
}

function isSame(message, item) {
  return message.from === "student" && message.id > item.after && message.kind === item.kind && (item.kind === "image" || message.text === item.text);
}
