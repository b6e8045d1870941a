// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {INodeStaking} from "../../contracts/interfaces/INodeStaking.sol";
import {ISlashingManager} from "../../contracts/interfaces/ISlashingManager.sol";
import {OddToken} from "./OddToken.sol";
import {Slashes} from "./Slashes.sol";

/// @dev As HEU never is: it calls back while it moves, and while it is burnt.
contract OddHEU is OddToken {
    function burn(uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[address(this)] += amount;
        this.transfer(address(0xdead), amount);
    }
}

/// @dev Stakes and bonds of a token that calls back. 66 of the test list, here.
contract StakingTokensTest is Slashes {
    OddHEU private token;

    /// @dev This contract owns node 1, whose stake is ripe, and slashes; the slashes owe it, and so does a lost bond.
    function setUp() public {
        _openSigned();
        token = new OddHEU();
        staking = INodeStaking(
            vm.deployCode("NodeStaking.sol:NodeStaking", abi.encode(token, registry, address(authority)))
        );
        slashing = ISlashingManager(_newManager());
        _letSlash(address(slashing));
        _letSlash(address(this));
        _letSlash(address(token));
        _letJudge();
        token.mint(address(this), 10 * STAKE);
        staking.stake(1, STAKE);
        staking.requestUnbond(1, STAKE / 2);
        vm.warp(block.timestamp + 21 days);
        staking.slash(1, 100, address(this), 50, address(0), 0);
        uint256 id = slashing.propose(1, uint32(block.timestamp / 7 days), 100, "");
        slashing.dispute(id);
        _resolve(id, false);
    }

    function test_66_noDoorThroughWhichStakeLeavesIsEnteredTwice_ReentrancyGuardReentrantCall() public {
        bytes[] memory doors = new bytes[](3);
        doors[0] = abi.encodeCall(staking.withdraw, (1, address(this)));
        doors[1] = abi.encodeCall(staking.claim, (address(this)));
        doors[2] = abi.encodeCall(staking.slash, (1, 100, address(0), 0, address(0), 0));
        for (uint256 inner; inner < doors.length; inner++) {
            token.callBack(address(staking), doors[inner]);
            for (uint256 outer; outer < doors.length; outer++) {
                _refusesTwice(address(staking), doors[outer]);
            }
        }

        // Not for another reason: with the token at rest each of them passes.
        token.callBack(address(0), "");
        vm.assertEq(staking.claim(address(this)), 50, "claimed");
        staking.slash(1, 100, address(0), 0, address(0), 0);
        vm.assertEq(staking.withdraw(1, address(this)), STAKE / 2 - 100, "withdrawn");
    }

    function test_66_aBondIsClaimedOnce_ReentrancyGuardReentrantCall() public {
        bytes memory claim = abi.encodeCall(slashing.claim, (address(this)));
        token.callBack(address(slashing), claim);
        _refusesTwice(address(slashing), claim);

        token.callBack(address(0), "");
        vm.assertEq(slashing.claim(address(this)), 200 * UNIT, "both bonds");
    }

    function _refusesTwice(address target, bytes memory door) private {
        vm.expectRevert(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        (bool ok,) = target.call(door);
        vm.assertTrue(ok, "expectRevert turned the revert into success");
    }
}
