// Sends photos again by itself that the server was too busy to take. Its answer then has a header Retry-After.
// A page that meets such an answer sends one photo at a time, and the first pause after it is that of the header; each further one is
// longer. With each photo that arrives it sends one more at a time. benchmarks/burst.py does the same.
window.sendAgain = (function () {
  "use strict";
  const growth = 1.5;
  const longestMs = 10000;
  const giveUpMs = 15 * 60 * 1000;

  // `most` photos are sent at a time; `next` is called when a pause is over.
  function lane(most, next) {
    let allowed = most;
    let tries = 0;
    let until = 0;

    function pause(seconds) {
      tries += 1;
      allowed = 1;
      // At random, so that the pages that were refused together do not come back together.
      const ms = Math.min(1000 * seconds * Math.pow(growth, tries - 1), longestMs) * (0.5 + Math.random());
      until = Date.now() + ms;
      setTimeout(next, ms + 1);
    }

    return {
      isFree: function (running) { return running < allowed && Date.now() >= until; },
      arrived: function () {
        tries = 0;
        allowed = Math.min(most, allowed + 1);
      },
      // Whether the photo is to wait and be sent again. `after` is the header; null when the server did not ask for that.
      mayWait: function (job, after) {
        if (!(Number(after) > 0)) return false;
        job.busySince = job.busySince || Date.now();
        if (Date.now() - job.busySince > giveUpMs) {
          job.busySince = 0;
          return false;
        }
        if (Date.now() >= until) pause(Number(after)); // one pause for photos that are refused together
        return true;
      }
    };
  }

  return { lane: lane };
})();
