// Seals, opens and signs with wechat-crypto (node-webot). Reads a JSON list of jobs, writes the list of results.
"use strict";
const WXBizMsgCrypt = require("wechat-crypto");

const WORK = {
  seal(crypt, job) {
    const encrypt = crypt.encrypt(job.text);
    return { encrypt, signature: crypt.getSignature(job.timestamp, job.nonce, encrypt) };
  },
  open(crypt, job) {
    const { message, id } = crypt.decrypt(job.encrypt);
    return { message, id, signature: crypt.getSignature(job.timestamp, job.nonce, job.encrypt) };
  },
};

const jobs = JSON.parse(require("fs").readFileSync(0, "utf8"));
const results = jobs.map((job) => WORK[job.work](new WXBizMsgCrypt(job.token, job.key, job.id), job));
process.stdout.write(JSON.stringify(results));
