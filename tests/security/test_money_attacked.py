"""Files of money that are attacked: a sample of each attack, and the inputs that once got through."""

import attack_money
import pytest
from attacking import limited_here, tried

pytestmark = pytest.mark.security


@pytest.mark.skipif(not limited_here(), reason="this system does not tell a process's peak of memory")
@pytest.mark.parametrize("attack", attack_money.ATTACKS, ids=lambda attack: attack.name)
def test_a_sample_of_the_attack_adds_up_or_is_refused(attack):
    result = tried(attack, 20, seed=11)
    assert not result.failures, result.failures[0]
    assert result.count == 20 and "refused" in result.ends
