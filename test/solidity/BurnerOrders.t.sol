// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Economies} from "./Economies.sol";

/// @dev Three routers, collected and gathered in any order, early, late or never, with gifts between and idle weeks.
contract BurnerOrdersTest is Economies {
    uint256 internal constant ROUTERS = 3;
    uint256 internal constant WEEKS = 12;
    address[ROUTERS] internal routers;
    uint256 internal _state;
    uint256 internal sold;

    function setUp() public {
        _openEconomy();
        routers = [router, address(0x0708), address(0x0709)];
        for (uint256 i = 1; i < ROUTERS; i++) {
            router = routers[i];
            _bond(router, LEAST_ASSET, LEAST_HEU);
            _deposit(PAYER, 500_000e6);
        }
        _wait(1);
    }

    function _random(uint256 below) private returns (uint256) {
        _state = uint256(keccak256(abi.encode(_state)));
        return _state % below;
    }

    /// @dev Whatever happened before: if everyone is gathered in time, the lot is exactly the fees of its epoch; and in the
    ///      end not a unit of all that ever came is left.
    function testFuzz_lotsAreTheFeesOfTheirEpochAndNothingStaysForEver(uint256 seed) public {
        _state = seed;
        for (uint256 w; w < WEEKS; w++) {
            uint32 epoch = Epochs.current();
            uint256 due = _week(epoch);
            bool all = _random(2) == 0;
            if (_random(4) != 0) _sale(epoch, all, due);
            if (Epochs.current() == epoch) _at(epoch, 0);
            if (_random(6) == 0) _wait(uint32(1 + _random(4)));
        }
        // Everyone is gathered and idle weeks follow.
        for (uint256 w; w < 6; w++) {
            uint32 epoch = Epochs.current();
            for (uint256 i; i < ROUTERS; i++) {
                burner.gather(routers[i]);
            }
            _at(epoch, 0);
            burner.settle();
            _at(epoch, 2 days);
            _buyAll();
            _kept();
            _at(epoch, 6 days);
        }
        vm.assertEq(dollar.balanceOf(address(burner)), 0, "nothing is left");
        vm.assertEq(burner.carried(), 0, "nothing is carried");
    }

    function _week(uint32 epoch) private returns (uint256 due) {
        uint256 acts = _random(8);
        for (uint256 a; a < acts; a++) {
            uint256 left = Epochs.startOf(epoch + 1) - block.timestamp;
            vm.warp(block.timestamp + _random(left / 2 + 1));
            address at = routers[_random(ROUTERS)];
            uint256 what = _random(6);
            if (what < 3) {
                router = at;
                _workFor(1, 1 + _random(2_000e6));
            } else if (what == 3 && ledger.collectable(at) != 0) {
                ledger.collect(at);
            } else if (what == 4) {
                burner.gather(at);
            } else if (what == 5) {
                _mint(address(burner), _random(200e6));
            }
            _kept();
        }
        for (uint256 i; i < ROUTERS; i++) {
            due += burner.feeIn(routers[i], epoch);
        }
    }

    function _sale(uint32 epoch, bool all, uint256 due) private {
        _at(epoch, _random(1 days));
        for (uint256 i; i < ROUTERS; i++) {
            if (all || _random(2) == 0) burner.gather(routers[(i + epoch) % ROUTERS]);
            _kept();
        }
        if (all) vm.assertEq(burner.lotOf(epoch).amount, due, "the lot is whole");
        vm.assertLe(burner.lotOf(epoch).amount, due, "never more than its fees");
        _at(epoch, 1 days + _random(3 days));
        if (_random(3) == 0) burner.gather(routers[_random(ROUTERS)]);
        vm.assertLe(burner.lotOf(epoch).amount, due, "never more than its fees");
        if (_random(2) == 0) _buyAll();
        _kept();
    }

    function _buyAll() private {
        if (burner.priceNow(false) != 0) {
            (, uint256 amount) = _buy();
            sold += amount;
        }
        uint256 forSale = burner.carriedForSale();
        if (burner.priceNow(true) == 0) return;
        vm.prank(BUYER);
        (, uint256 carried) = burner.buyCarried(type(uint256).max, BUYER);
        vm.assertEq(carried, forSale, "as the view said");
        sold += carried;
    }

    function _kept() private view {
        vm.assertGe(dollar.balanceOf(address(burner)), burner.carried(), "what is carried is there");
    }

    /// @dev Every week's fees are gathered in time and sold. A gift stays no longer for it.
    function test_aGiftIsSoldThoughFeesComeEveryWeek() public {
        _mint(address(burner), 1_000e6);
        _weeks(4, false);
        vm.assertEq(dollar.balanceOf(address(burner)), 0, "nothing is left");
        vm.assertEq(sold, 4 * _fee(10_000e6) + 1_000e6, "the fees and the gift");
    }

    /// @dev The same with the part of voters whom a pod does not have, every week: what is not old enough yet stays.
    function test_thePartOfMissingVotersIsSoldThoughFeesComeEveryWeek() public {
        _weeks(8, true);
        uint256 revenue =
            burner.feeIn(router, Epochs.current() - 1) * VOTER_BPS / burner.protocolBpsIn(Epochs.current());
        vm.assertLe(dollar.balanceOf(address(burner)), 4 * revenue, "the last four weeks' at most");
    }

    /// @dev What is seen unasked are fees that are asked for a week later, while those of that week come in.
    function test_feesOfThePresentEpochAreNotTakenForOldOnes() public {
        _wait(2);
        _workFor(1, 10_000e6);
        ledger.collect(router);
        burner.settle();
        _wait(1);
        _workFor(1, 10_000e6);
        burner.gather(router);
        uint32 epoch = Epochs.current();
        _wait(1);
        burner.gather(router);
        vm.assertEq(burner.lotOf(epoch).amount, _fee(10_000e6), "the lot is whole");
        vm.assertEq(burner.carried(), _fee(10_000e6), "only the lot that nobody bought is carried");
    }

    function _weeks(uint256 count, bool revenue) private {
        for (uint256 w; w < count; w++) {
            uint32 epoch = Epochs.current();
            _workFor(1, 10_000e6);
            _at(epoch, 0);
            burner.gather(router);
            if (revenue) votes.closeRevenue(router, 1);
            _at(epoch, 2 days);
            _buyAll();
            _kept();
        }
    }
}
