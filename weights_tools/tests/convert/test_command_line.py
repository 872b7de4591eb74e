"""Options and arguments that the converter does not know."""

import pytest

from weights_tools.convert.__main__ import main


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "superpoint",
        "superpoint in.pth",
        "random-superpoint v7 out",
        "completion in.pth out --mean 0.5",
        "completion in.pth out --mean 0.5,0.5,nan",
        "completion in.pth out --mean 0.5,0.5,1.5",
        "completion in.pth out --mean a,b,c",
        "completion in.pth out --order relu",
        "clip in out --std 1,0,1",
        "clip in out --image-heads 0",
        "clip in out --activation relu",
        "random-clip vit-x out",
        "prompts in out --method prograd",
        "random-prompts coop out",
    ],
)
def test_wrong_usage_exits_with_2(arguments: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments.split())
    assert stopped.value.code == 2
