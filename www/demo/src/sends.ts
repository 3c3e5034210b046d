// Says before anything is chosen what will be sent to the server, and what will not.

/** One sentence for a split, in which `host` is the server's address. */
export function sendsWords(split: string, host: string): string {
  switch (split) {
    case "local":
      return "“local” keeps photographs in this browser. Where this device cannot run the net, you are asked before one is sent.";
    case "remote":
      return `“remote” sends each photograph or camera frame to the server of this page (${host}), which cuts it out.`;
    case "auto":
      return `“auto” sends layers computed from each photograph or camera frame to the server of this page (${host}), or the photograph itself where this device has no GPU or a slow one. “local” sends nothing.`;
    default:
      return `“${split}” sends layers computed from each photograph or camera frame to the server of this page (${host}); they show much of the picture. The photograph itself is not sent unless you are asked.`;
  }
}
