import "headwater/element";
