import { removeBackground } from "headwater";
const cutout = await removeBackground("/photo.webp");
document.body.append(Object.assign(new Image(), { alt: "Cut-out", src: URL.createObjectURL(cutout) }));
